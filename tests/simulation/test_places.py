from __future__ import annotations

import pandas as pd
import pytest

from mkmine.executors import Place
from mkmine.simulation import Scenario, SimulationModel, experiment
from tests.test_executors import PLACES

STAFF = Scenario("one more writer").staff("Writer", +1)


@pytest.fixture(scope="module")
def alone(article: SimulationModel) -> pd.DataFrame:
    return experiment(article, [STAFF], replications=3, weeks=4, warm_up_weeks=2, seed=3).kpis


@pytest.mark.parametrize(("workers", "place"), PLACES[1:])
def test_the_numbers_do_not_depend_on_the_place(
    workers: int, place: Place, article: SimulationModel, alone: pd.DataFrame
) -> None:
    found = experiment(
        article, [STAFF], replications=3, weeks=4, warm_up_weeks=2, seed=3, workers=workers, executor=place
    )
    pd.testing.assert_frame_equal(found.kpis, alone)


def test_a_dask_cluster_gives_the_same_numbers(article: SimulationModel, alone: pd.DataFrame) -> None:
    distributed = pytest.importorskip("distributed")
    settings = {"distributed.admin.system-monitor.gil.enabled": False}
    import dask

    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = experiment(
            article, [STAFF], replications=3, weeks=4, warm_up_weeks=2, seed=3, executor=client.get_executor()
        )
    pd.testing.assert_frame_equal(found.kpis, alone)
