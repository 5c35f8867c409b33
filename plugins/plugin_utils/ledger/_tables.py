# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the ledger: the events, and projections that answer questions quickly."""

from __future__ import annotations

import functools

SCHEMA_VERSION = 1


class Tables:
    """The tables, as SQLAlchemy Core has them."""

    def __init__(self) -> None:
        import sqlalchemy as sa

        self.metadata = sa.MetaData()

        self.events = sa.Table(
            "events",
            self.metadata,
            sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("time", sa.Text, nullable=False),
            sa.Column("actor", sa.Text, nullable=False),
            sa.Column("strength", sa.Text, nullable=False),
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("subject", sa.Text, nullable=False),
            sa.Column("body", sa.Text, nullable=False),  # canonical JSON
            sa.Column("key", sa.Text, nullable=False, unique=True),
            sa.Column("previous", sa.Text, nullable=False),
            sa.Column("hash", sa.Text, nullable=False),
            sa.Index("events_by_kind", "kind", "sequence"),
            sa.Index("events_by_subject", "subject", "sequence"),
        )

        # One row: where the chain ends. Appending locks it.
        self.head = sa.Table(
            "head",
            self.metadata,
            sa.Column("one", sa.Integer, sa.CheckConstraint("one = 1"), primary_key=True),
            sa.Column("schema", sa.Integer, nullable=False),
            sa.Column("ledger", sa.Text, nullable=False),
            sa.Column("sequence", sa.BigInteger, nullable=False),
            sa.Column("time", sa.Text, nullable=False),
            sa.Column("hash", sa.Text, nullable=False),
        )

        # What a run was asked to do, and how it ended: NULL while no end is recorded.
        self.runs = sa.Table(
            "runs",
            self.metadata,
            sa.Column("run", sa.Text, primary_key=True),
            sa.Column("act", sa.Text, primary_key=True),
            sa.Column("part", sa.Text, primary_key=True),  # the application as the run names it
            sa.Column("application", sa.Text, nullable=False),
            sa.Column("version", sa.Text),
            sa.Column("digest", sa.Text),
            sa.Column("environment", sa.Text),
            sa.Column("hosts", sa.Integer, nullable=False),
            sa.Column("actor", sa.Text, nullable=False),
            sa.Column("strength", sa.Text, nullable=False),
            sa.Column("began", sa.Text, nullable=False),
            sa.Column("ended", sa.Text),
            sa.Column("verdict", sa.Text),
            sa.Column("reason", sa.Text),
            sa.Column("settled_by", sa.Text),  # the run that found out how it ended
            sa.Column(
                "sequence", sa.BigInteger, nullable=False
            ),  # of the event that changed it last
            sa.Index("runs_by_sequence", "sequence"),
            sa.Index("runs_by_end", "ended"),
        )

        # What is live, or on trial, under each deployment root.
        self.deployments = sa.Table(
            "deployments",
            self.metadata,
            sa.Column("host", sa.Text, primary_key=True),
            sa.Column("root", sa.Text, primary_key=True),
            sa.Column("application", sa.Text, nullable=False),
            sa.Column("environment", sa.Text),
            sa.Column("version", sa.Text, nullable=False),
            sa.Column("digest", sa.Text, nullable=False),
            sa.Column("phase", sa.Text, nullable=False),
            sa.Column("since", sa.Text, nullable=False),
            sa.Column("run", sa.Text, nullable=False),
            sa.Column("actor", sa.Text, nullable=False),
            sa.Index("deployments_by_application", "application"),
        )

        # Which runs changed which root: all others that a host remembers are unrecorded.
        self.changes = sa.Table(
            "changes",
            self.metadata,
            sa.Column("host", sa.Text, primary_key=True),
            sa.Column("root", sa.Text, primary_key=True),
            sa.Column("run", sa.Text, primary_key=True),
            sa.Column("origin", sa.Text, nullable=False),  # recorded, or found
            sa.Column("sequence", sa.BigInteger, nullable=False),
            sa.Index("changes_by_run", "run"),
        )

        self.projections = (self.runs, self.deployments, self.changes)


@functools.cache
def tables() -> Tables:
    """Return the Tables, made once; ImportError where SQLAlchemy is missing."""
    return Tables()


# An event that was recorded stays as it was. Who may change the schema can remove the triggers;
# the chain of hashes finds what was changed then.
SQLITE_TRIGGERS = (
    """CREATE TRIGGER IF NOT EXISTS events_stay BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events of the ledger cannot be changed'); END""",
    """CREATE TRIGGER IF NOT EXISTS events_are_kept BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events of the ledger cannot be deleted'); END""",
)
POSTGRESQL_TRIGGERS = (
    """CREATE OR REPLACE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'events of the ledger cannot be changed or deleted'; END $$""",
    """CREATE OR REPLACE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION events_stay()""",
    """CREATE OR REPLACE TRIGGER events_are_kept BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_stay()""",
)
