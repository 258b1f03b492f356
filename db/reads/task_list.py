"""Lists of tasks: filtered, in one of four orders, page by page."""
