"""Work side by side with its results in order."""

import threading

import pytest
import torch

from chanvae.threads import in_order


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_from_one_thread_each(threads):
    seen = set()

    def square(x: int) -> int:
        seen.add(threading.get_ident())
        assert threads == 1 or torch.get_num_threads() == 1
        return x * x

    assert list(in_order(square, range(20))) == [x * x for x in range(20)]
    assert len(seen) <= threads
    assert torch.get_num_threads() == threads


def test_an_error_comes_out_and_nothing_runs_on(threads):
    done = []

    def fail(x: int) -> int:
        if x == 2:
            raise ValueError("two")
        done.append(x)
        return x

    found = in_order(fail, range(100))
    with pytest.raises(ValueError, match="two"):
        list(found)
    assert len(done) <= 2 + 2 * threads
    assert torch.get_num_threads() == threads


def test_what_is_not_asked_for_is_not_drawn(threads):
    taken = []

    def take(x: int) -> int:
        taken.append(x)
        return x

    found = in_order(take, range(100))
    assert next(found) == 0
    found.close()
    assert len(taken) <= 2 * threads + 1
    assert torch.get_num_threads() == threads
