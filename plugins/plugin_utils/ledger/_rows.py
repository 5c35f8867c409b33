# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the projections: in memory, or read from a database and written back at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._tables import Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

Row = Mapping[str, Any]
Key = tuple[Any, ...]


class Rows:
    """The rows of each projection by their primary key; an audit replays events into this."""

    def __init__(self, tables: Tables) -> None:
        self._columns = {t.name: [c.name for c in t.columns] for t in tables.projections}
        self._keys = {t.name: [c.name for c in t.primary_key] for t in tables.projections}
        self._rows: dict[str, dict[Key, Row | None]] = {name: {} for name in self._columns}

    def get(self, table: str, **keys: Any) -> Row | None:
        """Return the row of *table* with these *keys*, None where there is none."""
        return self._rows[table].get(self._key(table, keys))

    def put(self, table: str, keys: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Change the row of *table* with these *keys*, or add it."""
        before = self.get(table, **keys) or dict.fromkeys(self._columns[table])
        self._rows[table][self._key(table, keys)] = {**before, **keys, **values}

    def delete(self, table: str, **keys: Any) -> None:
        """Remove the row of *table* with these *keys*, if there is one."""
        self._rows[table][self._key(table, keys)] = None

    def content(self, table: str) -> set[Key]:
        """Return the rows of *table*, each as a tuple in the order of its columns."""
        columns = self._columns[table]
        rows = self._rows[table].values()
        return {tuple(row[name] for name in columns) for row in rows if row is not None}

    def _key(self, table: str, keys: Mapping[str, Any]) -> Key:
        return tuple(keys[name] for name in self._keys[table])


class StoredRows(Rows):
    """Rows in a database, of which the caller holds the lock: ``store`` writes what changed."""

    def __init__(self, tables: Tables, connection: Connection) -> None:
        super().__init__(tables)
        self._connection = connection
        self._tables = {table.name: table for table in tables.projections}
        self._found: dict[str, set[Key]] = {name: set() for name in self._columns}

    def get(self, table: str, **keys: Any) -> Row | None:
        """Return the row of *table* with these *keys*, None where there is none."""
        key = self._key(table, keys)
        if key not in self._rows[table]:
            row = self._read(self._tables[table], keys)
            self._rows[table][key] = row
            if row is not None:
                self._found[table].add(key)
        return self._rows[table][key]

    def delete(self, table: str, **keys: Any) -> None:
        """Remove the row of *table* with these *keys*, if there is one."""
        self.get(table, **keys)
        super().delete(table, **keys)

    def store(self) -> None:
        """Write all rows that were put or removed."""
        import sqlalchemy as sa

        for name, table in self._tables.items():
            same = sa.and_(*(table.c[key] == sa.bindparam(f"_{key}") for key in self._keys[name]))
            new: list[dict[str, Any]] = []
            old: list[dict[str, Any]] = []
            gone: list[dict[str, Any]] = []
            for key, row in self._rows[name].items():
                bound = {
                    f"_{column}": value for column, value in zip(self._keys[name], key, strict=True)
                }
                there = key in self._found[name]
                if row is None:
                    gone += [bound] if there else []
                else:
                    (old if there else new).append({**row, **bound} if there else dict(row))
            if gone:
                self._connection.execute(table.delete().where(same), gone)
            if old:
                values: dict[str, Any] = {
                    column: sa.bindparam(column) for column in self._columns[name]
                }
                self._connection.execute(table.update().where(same).values(values), old)
            if new:
                self._connection.execute(table.insert(), new)
            self._rows[name] = {}
            self._found[name] = set()

    def _read(self, table: Table, keys: Mapping[str, Any]) -> Row | None:
        import sqlalchemy as sa

        wanted = sa.select(table).where(*(table.c[name] == keys[name] for name in keys))
        row = self._connection.execute(wanted).first()
        return None if row is None else dict(row._mapping)
