"""A fleet of simulated humans and AI agents relaunches websites, until enough jobs are settled."""
