#!/bin/bash
# oslo.db's paginate_query loses rows when a column of the order may be NULL.
#
# Version:      oslo.db 18.1.1, SQLAlchemy 2.1.9, on SQLite.
# Expectation:  pages by a nullable column and the primary key hold each row once, as the one list
#               does: the function's own text says that it copes with nullable sort keys.
# Behaviour:    after a marker whose column is NULL that column is left out of the condition, and
#               only "id > marker" remains: rows with a value and a lower id never come. In
#               descending order the condition "column < value" is not true for NULL: rows without
#               a value never come. It depends on the length of the pages which rows are lost, and
#               no error or warning tells it.
# Output seen:  asc:  all 2 4 1 3 5, in pages of two 2 4 5
#               asc:  all 2 4 1 3 5, in pages of three 2 4 1 3 5
#               desc: all 5 3 1 2 4, in pages of two 5 3 1
#               desc: all 5 3 1 2 4, in pages of three 5 3 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.db==18.1.1 SQLAlchemy==2.1.9

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sqlalchemy as sa
from oslo_db.sqlalchemy.utils import paginate_query
from sqlalchemy import orm

Base = orm.declarative_base()


class Server(Base):
    __tablename__ = "servers"
    id = sa.Column(sa.Integer, primary_key=True)
    host = sa.Column(sa.String(20))


engine = sa.create_engine("sqlite://")
Base.metadata.create_all(engine)
with orm.Session(engine) as session:
    hosts = {1: "node1", 2: None, 3: "node2", 4: None, 5: "node3"}
    session.add_all(Server(id=n, host=host) for n, host in hosts.items())
    session.flush()

    def page(limit, marker, order):
        query = session.query(Server)
        keys = ["host", "id"]
        return paginate_query(
            query, Server, limit, keys, marker=marker, sort_dirs=[order, "asc"]).all()

    for order in ("asc", "desc"):
        whole = [server.id for server in page(None, None, order)]
        for limit, name in ((2, "two"), (3, "three")):
            read, marker = [], None
            for _ in range(5):
                found = page(limit, marker, order)
                if not found:
                    break
                read += [server.id for server in found]
                marker = found[-1]
            print(f"{order + ':':5} all", *whole[:-1], f"{whole[-1]}, in pages of {name}", *read)
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
asc:  all 2 4 1 3 5, in pages of two 2 4 5
asc:  all 2 4 1 3 5, in pages of three 2 4 1 3 5
desc: all 5 3 1 2 4, in pages of two 5 3 1
desc: all 5 3 1 2 4, in pages of three 5 3 1
END
