"""How many migrations of public packages are refused as they are shipped, on large tables with default settings.

    python -m benchmarks.refused [PACKAGE]…  prints the tables and writes them into docs/performance.md
    python -m benchmarks.refused --dry-run   only prints them

Each migration is judged on a database that has those before it, as the release step judges its plan; every table that
is there by then is taken for one of 200,000 rows. Nothing is acknowledged.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping

from benchmarks.packages import PACKAGES
from benchmarks.report import PERFORMANCE, table, write_between
from corpus import environments
from corpus.catalogue import find
from corpus.examination import Commands, install
from corpus.package import Package
from corpus.ways import OURS
from tests.servers import PostgreSQL

JUDGE = "from benchmarks.judged_history import judge_history; judge_history()"
# Of each migration, by its name, the codes and titles of the hazards that refuse it.
History = Mapping[str, Mapping[str, str]]


def history_of(server: PostgreSQL, package: Package) -> History:
    """Judge all migrations of a package and of what it is used with."""
    project = install(server, package)
    project.write()
    with (commands := Commands(project, OURS)).nursery:
        output = commands.run(OURS, "shell", "-v", "0", "-c", JUDGE)
    judged = [json.loads(line) for line in output.splitlines() if line.startswith("[")]
    return {name: dict(found) for name, found in judged}


def text_of(histories: Mapping[str, History], version: str) -> str:
    """Return the share that is refused, and what for, by package and by hazard."""
    # Packages share some of their migrations.
    every = {migration: codes for history in histories.values() for migration, codes in history.items()}
    refused_all = {migration: codes for migration, codes in every.items() if codes}
    titles = {code: title for codes in refused_all.values() for code, title in codes.items()}
    rows = [[name, *counted(history)] for name, history in histories.items()]
    reasons = []
    for code, count in Counter(code for codes in refused_all.values() for code in codes).most_common():
        examples = [migration for migration, codes in refused_all.items() if code in codes]
        reasons.append([f"{code} {titles[code]}", f"{count}", ", ".join(examples[:3])])
    share = f"{len(refused_all)} of {len(every)} migrations are refused, {100 * len(refused_all) / len(every):.1f} %"
    parts = [
        f"PostgreSQL {version}, {environments.django().replace('==', ' ')}: {share}.",
        table(("package", "migrations", "refused", "for"), rows),
        table(("for", "migrations", "such as"), reasons),
    ]
    return "\n\n".join(parts)


def counted(history: History) -> list[str]:
    """Return how many migrations there are, how many are refused, and how often for what."""
    found = Counter(code for codes in history.values() for code in codes)
    told = ", ".join(f"{count} {code}" for code, count in sorted(found.items()))
    return [f"{len(history)}", f"{sum(map(bool, history.values()))}", told]


def main() -> None:
    """Judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PACKAGE", help="of the corpus (default: the ten large ones)")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    histories = {}
    with PostgreSQL() as server:
        for package in map(find, options.names) if options.names else PACKAGES:
            histories[package.name] = history_of(server, package)
            told = {name: codes for name, codes in histories[package.name].items() if codes}
            print(package.name, json.dumps(told), flush=True)
        version = server.execute("SHOW server_version")[0][0]
    text = text_of(histories, version)
    print(text)
    if not (options.dry_run or options.names):
        write_between("refused", text, PERFORMANCE)


if __name__ == "__main__":
    main()
