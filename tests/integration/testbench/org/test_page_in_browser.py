"""The org's page in a real browser, on the screen of a phone and of a desk, by day and by night."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import HOW_TO_GET_IT, Chromium, find_chromium
from destination_testbench.org import Fault, FaultKind, OrgServer, SimulatedOrg, record_id
from org_caller import Caller, a_contact

pytestmark = pytest.mark.chromium

PHONE, DESK = (390, 844), (1280, 800)
CONTACT, HOSTILE = record_id("003", 1), record_id("003", 2)
PATHS = ("/", "/_org/page/Contact", f"/_org/page/Contact/{CONTACT}", f"/_org/page/Contact/{HOSTILE}", "/_org/page/None")

# The least contrast between any text on the screen and what lies behind it (WCAG 2.2: 4.5 for small text).
LEAST_CONTRAST = """
(() => {
  const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = color; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && element.offsetParent);
  const found = texts.map((element) => {
    const [one, other] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return [ratio, element.textContent.trim().slice(0, 40)];
  });
  return found.sort((one, other) => one[0] - other[0])[0];
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    path = find_chromium()
    if path is None:
        pytest.skip(HOW_TO_GET_IT)
    with Chromium(path, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def page(org: SimulatedOrg, server: OrgServer, browser: Chromium) -> Chromium:
    caller = Caller(org)
    caller.update(a_contact(CONTACT, CDP_Loyal__c="realized", CDP_Loyal_Since__c="2022-01-11T21:24:39Z"))
    caller.update(a_contact(CONTACT, CDP_Loyal__c="exited", CDP_Vip__c=True, CDP_Audiences__c="Loyal;VIP"))
    caller.update(
        a_contact(HOSTILE, LastName='"><img src=x onerror="document.title=1"><script>document.title=2</script>')
    )
    caller.send("GET", "query?q=nonsense")
    org.faults.add(Fault(FaultKind.DAILY_LIMIT, path="/limits", times=2))
    browser.size(*DESK)
    browser.open(f"{server.url}/")
    return browser


def test_search_finds_a_contact_and_its_page_shows_its_history(page: Chromium) -> None:
    page.evaluate("document.querySelector('#q').value = 'amara contact1@'")
    page.follow("document.querySelector('.search button').click()")
    found = page.evaluate("[...document.querySelectorAll('tbody a')].map((link) => link.textContent)")

    page.follow("document.querySelector('tbody a').click()")

    assert found == ["Amara Abara"]
    assert page.evaluate("document.querySelector('h1').innerText") == "Amara Abara"
    changes = page.evaluate("[...document.querySelectorAll('.changes > li')].map((change) => change.innerText)")
    assert len(changes) == 3
    assert changes[0].split()[:2] == ["Updated", "by"]
    assert "CDP Loyal realized → exited" in " ".join(changes[0].split())
    assert "Created" in changes[2]


def test_the_next_page_of_a_list_is_a_click_away(page: Chromium) -> None:
    page.follow("document.querySelector('nav a[href$=Contact]').click()")
    page.follow("document.querySelector('a[rel=next]').click()")

    assert page.evaluate("document.querySelector('.pages span').innerText") == "Page 2 of 20"
    assert page.evaluate("document.querySelectorAll('tbody tr').length") == 50


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "by night"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_fits_its_screen_and_can_be_read(
    page: Chromium, server: OrgServer, tmp_path: Path, path: str, screen: tuple[int, int], dark: bool
) -> None:
    page.size(*screen, dark=dark)
    page.open(f"{server.url}{path}")

    picture = page.screenshot(tmp_path / "page.png")

    assert struct.unpack(">II", picture[16:24]) == screen
    assert page.evaluate("document.styleSheets.length") == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    least, text = page.evaluate(LEAST_CONTRAST)
    assert least >= 4.5, text


def test_a_hostile_name_does_nothing(page: Chromium, server: OrgServer) -> None:
    page.open(f"{server.url}/_org/page/Contact/{HOSTILE}")

    assert page.evaluate("document.title").endswith("simulated Salesforce org")
    assert page.evaluate("document.querySelectorAll('img, script').length") == 0
    assert '<img src=x onerror="document.title=1">' in page.evaluate("document.querySelector('h1').innerText")


def test_a_phone_shows_each_record_as_a_card_with_labels(page: Chromium, server: OrgServer) -> None:
    page.size(*PHONE)
    page.open(f"{server.url}/_org/page/Contact?q={CONTACT}")

    assert page.evaluate("getComputedStyle(document.querySelector('tbody tr')).display") == "block"
    label = page.evaluate("getComputedStyle(document.querySelector('td[data-label]'), '::before').content")
    assert label == '"CDP Loyal"'
