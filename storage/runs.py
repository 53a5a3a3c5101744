"""Runs: a plan, and what is known of its steps. Resuming is running it again with what is known."""

from datetime import UTC, datetime

from sqlalchemy import Connection, Table, delete, func, select

from storage.records import PlanVersion, StoredPlan, StoredStep
from storage.rows import columns, record, records, upsert, values
from storage.tables import plan_versions, plans, step_results

PLAN = select(*columns(StoredPlan, plans))


def _replace(connection: Connection, table: Table, row: dict[str, object]) -> None:
    """Write the row in place of the one with the same key."""
    new = upsert(connection, table).values(row)
    connection.execute(new.on_conflict_do_update(index_elements=list(table.primary_key), set_=row))


def save_plan(connection: Connection, plan: StoredPlan) -> None:
    """Write the plan, over the older one with its id."""
    _replace(connection, plans, {**values(plan), "saved_at": datetime.now(UTC)})


def plan(connection: Connection, name: str) -> StoredPlan | None:
    """The plan with this id."""
    return record(connection, StoredPlan, PLAN.where(plans.c.id == name))


def plan_of(connection: Connection, turn: str) -> StoredPlan | None:
    """The plan that this turn saved last."""
    mine = PLAN.where(plans.c.turn == turn)
    return record(connection, StoredPlan, mine.order_by(plans.c.saved_at.desc()).limit(1))


def keep_version(connection: Connection, plan: StoredPlan, why: str) -> None:
    """Keep what the plan is now, and why it came to be."""
    its = select(func.coalesce(func.max(plan_versions.c.version), 0)).where(plan_versions.c.plan == plan.id)
    number = connection.execute(its).scalar_one() + 1
    row = {"plan": plan.id, "version": number, "why": why, "body": plan.body, "saved_at": datetime.now(UTC)}
    connection.execute(plan_versions.insert(), row)


def versions(connection: Connection, plan: str) -> list[PlanVersion]:
    """What a plan has been, oldest first."""
    its = select(plan_versions).where(plan_versions.c.plan == plan)
    return records(connection, PlanVersion, its.order_by(plan_versions.c.version))


def drop_plan(connection: Connection, name: str) -> None:
    """Forget a plan that nothing was done of but what may be done again."""
    for table in (step_results, plan_versions):
        connection.execute(delete(table).where(table.c.plan == name))
    connection.execute(delete(plans).where(plans.c.id == name))


def keep_step(connection: Connection, plan: str, step: StoredStep) -> None:
    """Write what is known of a step, over what was known before."""
    _replace(connection, step_results, {"plan": plan, **values(step), "kept_at": datetime.now(UTC)})


def step_times(connection: Connection, plan: str) -> dict[str, datetime]:
    """When the last was heard of each step of a plan."""
    mine = select(step_results.c.step, step_results.c.kept_at).where(step_results.c.plan == plan)
    return dict(connection.execute(mine).all())


def steps(connection: Connection, plan: str) -> list[StoredStep]:
    """What is known of a plan's steps, in the order in which it became known."""
    mine = select(*columns(StoredStep, step_results)).where(step_results.c.plan == plan)
    return records(connection, StoredStep, mine.order_by(step_results.c.kept_at, step_results.c.step))
