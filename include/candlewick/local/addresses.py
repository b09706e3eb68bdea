"""Where the running platform is looked at: printed when a start is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candlewick.local.wiring import LOOPBACK

if TYPE_CHECKING:
    from candlewick.local.platform import Platform


def addresses(platform: Platform) -> list[tuple[str, str, str]]:
    """Return name, address and a remark of everything a person or a program may open."""
    users, private = platform.credentials, platform.private_services
    ours = f"{platform.airflow.url}/candlewick"
    found = [
        (
            "Airflow",
            platform.airflow.url,
            f"admin / {users['airflow_admin']}, viewer / {users['airflow_viewer']}",
        ),
        ("Market", f"{ours}/market", "prices and the state of the data; in Airflow's navigation under Candlewick"),
        ("API", f"{ours}/api/docs", "market data for programs, to try out"),
    ]
    if (platform.home.manifest.parent / "docs" / "index.html").is_file():
        found.append(("dbt docs", f"{ours}/dbt/", "models, columns, lineage; made anew every hour"))
    if "exchange" in private:
        found.append(("Exchange", platform.exchange.base, "simulated"))
    if "s3" in private:
        found.append(("S3", f"http://{LOOPBACK}:{platform.settings.s3_port}", "payloads as received"))
    account = platform.wiring.account("WAREHOUSE_READ")
    found.append(("Database", f"{account.host}:{account.port}", "make shell, then mysql"))
    return found
