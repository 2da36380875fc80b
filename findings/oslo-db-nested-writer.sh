#!/bin/bash
# In oslo.db, what a failed inner transaction wrote is committed with the outer one.
#
# Version:      oslo.db 18.1.1, SQLAlchemy 2.1.9, on SQLite.
# Expectation:  writer.using(context) inside another is a nested transaction: when it ends with an
#               exception its rows are rolled back (a savepoint), or the outer one fails as a whole.
# Behaviour:    the inner block only joins the outer one. If the outer block catches the exception,
#               it commits the half-done work of the inner block. And the other way round a reader
#               block outside of a writer takes INSERT and flush, shows the row, and drops it
#               without an error; the same reader block inside a writer keeps the row.
# Output seen:  after the failed inner writer: outer, inner
#               inside the reader: 1 row of its own
#               after the reader: outer, inner
#               after a reader in a writer: outer, inner, by a reader
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.db==18.1.1 SQLAlchemy==2.1.9

"$dir/venv/bin/python" - "sqlite:///$dir/test.db" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys

import sqlalchemy as sa
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import orm

url = sys.argv[1]
Base = orm.declarative_base()


class Row(Base):
    __tablename__ = "test"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20))


@enginefacade.transaction_context_provider
class Context:
    pass


context = Context()
manager = enginefacade.transaction_context()
manager.configure(connection=url)
plain = sa.create_engine(url)
Base.metadata.create_all(plain)


def stored():
    with plain.connect() as connection:
        return ", ".join(connection.scalars(sa.text("SELECT name FROM test ORDER BY id")))


with manager.writer.using(context) as session:
    session.add(Row(name="outer"))
    session.flush()
    try:
        with manager.writer.using(context) as inner:
            inner.add(Row(name="inner"))
            inner.flush()
            raise ValueError("the second half of the inner work fails")
    except ValueError:
        pass
print("after the failed inner writer:", stored())

with manager.reader.using(context) as session:
    session.add(Row(name="by a reader"))
    session.flush()
    print("inside the reader:", session.query(Row).filter_by(name="by a reader").count(),
          "row of its own")
print("after the reader:", stored())

with manager.writer.using(context), manager.reader.using(context) as session:
    session.add(Row(name="by a reader"))
print("after a reader in a writer:", stored())
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
after the failed inner writer: outer, inner
inside the reader: 1 row of its own
after the reader: outer, inner
after a reader in a writer: outer, inner, by a reader
END
