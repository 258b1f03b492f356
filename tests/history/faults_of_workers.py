"""Faults of workers, and of the network between them and the servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from signal import SIGCONT, SIGSTOP

from tests.history.proxies import Proxy
from tests.history.wounds import Victims, Wound

SLOW_SECONDS = 0.05


@asynccontextmanager
async def worker_killed(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    slot = random.randrange(len(victims.fleet))
    await victims.fleet.kill(slot)
    try:
        yield Wound(f"worker {slot}")
    finally:
        await victims.fleet.replace(slot)


@asynccontextmanager
async def worker_stopped(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    """It comes back as if nothing had happened: a zombie, if its holds have ended meanwhile."""
    slot = random.randrange(len(victims.fleet))
    victims.fleet.send(slot, SIGSTOP)
    try:
        yield Wound(f"worker {slot}")
    finally:
        victims.fleet.send(slot, SIGCONT)


@asynccontextmanager
async def worker_terminated(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    slot = random.randrange(len(victims.fleet))
    await victims.fleet.terminate(slot)
    try:
        yield Wound(f"worker {slot}")
    finally:
        await victims.fleet.replace(slot)


@asynccontextmanager
async def network_reset(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    name, proxy = _wire(victims, random)
    proxy.reset()
    yield Wound(name)


@asynccontextmanager
async def network_black_hole(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    """Nothing passes; what was on its way arrives in the end, as TCP has it."""
    name, proxy = _wire(victims, random)
    proxy.flows.clear()
    try:
        yield Wound(name)
    finally:
        proxy.flows.set()


@asynccontextmanager
async def network_slow(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    name, proxy = _wire(victims, random)
    proxy.latency_seconds = SLOW_SECONDS
    try:
        yield Wound(name)
    finally:
        proxy.latency_seconds = 0.0


@asynccontextmanager
async def network_half_open(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    """All must connect anew, and nobody answers those who do."""
    name, proxy = _wire(victims, random)
    proxy.answers.clear()
    proxy.reset()
    try:
        yield Wound(name)
    finally:
        proxy.answers.set()


@asynccontextmanager
async def network_forgotten(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    """As when a firewall forgets its connections: they stay open, and dead. New ones are fine."""
    name, proxy = _wire(victims, random)
    proxy.forget()
    yield Wound(name)


def _wire(victims: Victims, random: Random) -> tuple[str, Proxy]:
    wires = {"postgres": victims.arena.postgres, "redis": victims.arena.redis}
    return random.choice(list(wires.items()))
