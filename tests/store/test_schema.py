from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from trunkline.store import schema
from trunkline.store.database import open_engine
from trunkline.store.errors import SchemaError, SchemaTooNew, SchemaTooOld, StoreUnavailable
from trunkline.store.models import Base


def test_the_migrations_give_exactly_the_models(engine: Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_the_revisions_are_the_names_of_their_files(url: str):
    scripts = ScriptDirectory(schema.MIGRATIONS)
    assert scripts.get_heads() == [schema.newest()]
    assert {script.revision for script in scripts.walk_revisions()} == {
        path.name.partition("_")[0] for path in (schema.MIGRATIONS / "versions").glob("0*.py")
    }


def test_alembic_is_loaded_only_to_migrate(url: str):
    schema.upgrade(url)
    program = (
        f"import sys; from trunkline.store import schema; schema.upgrade({url!r}); print('alembic' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded == "False\n"


def test_the_database_knows_its_revision(url: str):
    assert schema.current(url) is None
    assert schema.upgrade(url) == schema.newest()
    assert schema.current(url) == schema.newest()


def test_upgrading_twice_keeps_the_rows(engine: Engine, migrated_url: str):
    with engine.begin() as connection:
        connection.execute(
            text(
                'INSERT INTO spool_positions (edge, segment, "offset", date_created_us, date_updated_us)'
                " VALUES ('edge', '', 7, 1, 1)"
            )
        )
    schema.upgrade(migrated_url)
    with engine.connect() as connection:
        assert connection.scalar(text('SELECT "offset" FROM spool_positions')) == 7


def test_a_newer_database_is_refused_and_left_alone(engine: Engine, migrated_url: str):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match=r"9999.*a newer one has migrated it"):
        schema.upgrade(migrated_url)
    with pytest.raises(SchemaTooNew):
        schema.check(engine)
    assert schema.current(migrated_url) == "9999"


def test_check_asks_for_the_upgrade(url: str):
    engine = open_engine(url)
    with pytest.raises(SchemaTooOld, match="trunkline db upgrade"):
        schema.check(engine)
    schema.upgrade(url)
    schema.check(engine)
    engine.dispose()


def test_somebody_elses_database_is_refused_as_a_whole(url: str):
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE trunks (id INTEGER)"))
    with pytest.raises(SchemaError, match="tables that Trunkline did not make"):
        schema.upgrade(url)
    assert inspect(engine).get_table_names() == ["trunks"], "a migration that fails leaves nothing behind"
    engine.dispose()


def test_programs_that_start_together_migrate_once(url: str):
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(schema.upgrade, [url] * 4)) == {schema.newest()}


def test_migrates_from_a_folder_with_a_space_and_a_percent_sign(tmp_path: Path):
    package = Path(schema.__file__).parents[1]
    home = tmp_path / "100% of a path"
    shutil.copytree(package, home / "trunkline", ignore=shutil.ignore_patterns("__pycache__"))
    url = f"sqlite:///{home / 'store.db'}"
    program = f"from trunkline.store import schema; print(schema.__file__); print(schema.upgrade({url!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=home, capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert done.stderr == ""
    where, revision = done.stdout.splitlines()
    assert Path(where).is_relative_to(home)
    assert revision == schema.newest()


def test_the_migrations_are_part_of_the_package(tmp_path: Path):
    source = Path(schema.__file__).parents[2]
    if not (source / "pyproject.toml").exists():
        pytest.skip("Trunkline is installed, and this checks its sources")
    # A copy: building in the checkout would leave build/ and *.egg-info there.
    shutil.copytree(source / "trunkline", tmp_path / "trunkline", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (source / name).exists():
            shutil.copy(source / name, tmp_path / name)
    build = "from setuptools import setup; setup()"
    done = subprocess.run(
        [sys.executable, "-c", build, "-q", "build", "--build-base", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shipped = {path.name for path in (tmp_path / "out" / "lib" / "trunkline" / "store" / "migrations").rglob("*.py")}
    assert {path.name for path in schema.MIGRATIONS.rglob("*.py")} <= shipped


def test_an_unreachable_server_is_an_outage():
    with pytest.raises(StoreUnavailable):
        schema.current("postgresql://nobody@127.0.0.1:1/none")
