"""Which faults CI does on which day: all within any seven days, and no more a day than it has time for."""

from __future__ import annotations

import sys
from datetime import date, datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
KILLED = "test_runs.py::test_killed"
# From Monday on: what is run, as pytest names it, and about how many seconds it takes on an idle machine.
WEEK = (
    (("test_processes.py",), 300),
    (("test_restarts.py", "test_download.py"), 320),
    ((f"{KILLED}[0]", f"{KILLED}[1]", f"{KILLED}[2]"), 420),
    (("test_certificates.py",), 400),
    ((f"{KILLED}[3]", f"{KILLED}[4]", f"{KILLED}[5]"), 420),
    (("test_disk.py", f"{KILLED}[6]"), 420),
    ((f"{KILLED}[7]", f"{KILLED}[8]", f"{KILLED}[9]"), 420),
)


def of_day(day: date) -> tuple[str, ...]:
    """What is run on a day."""
    return WEEK[day.weekday()][0]


def main(arguments: list[str]) -> None:
    """Print today's for pytest, or those of the day that is given, and tell a person."""
    day = date.fromisoformat(arguments[0]) if arguments else datetime.now(timezone.utc).date()
    wanted = of_day(day)
    print(f"faults: {', '.join(wanted)}, as on every {day:%A}; all of them: make faults", file=sys.stderr)
    print(*(HERE / each for each in wanted))


if __name__ == "__main__":
    main(sys.argv[1:])
