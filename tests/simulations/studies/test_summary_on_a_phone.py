"""The planner's page on a phone: nothing lies beside the screen, and each figure says what it is."""

from typing import Any

import pytest

from simulations.studies.summary import summary
from tests.browser import chromium
from tests.simulations.studies.test_answers import STUDY, two_cases

__all__ = ["chromium"]
NETWORK = "pandapower:create_kerber_landnetz_freileitung_1_with_a_name_that_is_long"


@pytest.mark.parametrize("width", [320, 390, 600])
def test_the_summary_fits_the_width_of_a_phone(chromium: Any, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 844})
    page.set_content(summary(STUDY, two_cases().assign(network=NETWORK), 60, "1.2.3"))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(one => { const box = one.getBoundingClientRect();"
        f" return box.width && (box.left < -1 || box.right > {width} + 1); }}).map(one => one.outerHTML)"
    )
    assert outside == []
    page.close()


def test_a_figure_of_the_table_says_on_a_phone_what_it_is(chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.set_content(summary(STUDY, two_cases(), 60, "1.2.3"))
    labels = (
        "[...document.querySelectorAll('tr:nth-child(2) td')]"
        ".map(one => getComputedStyle(one, '::before').content)"
    )
    heads = page.evaluate("[...document.querySelectorAll('th')].map(one => one.textContent)")
    assert page.evaluate(labels)[1:] == [f'"{head}"' for head in heads[1:]]
    page.set_viewport_size({"width": 1000, "height": 844})
    assert set(page.evaluate(labels)) == {"none"}
    page.close()
