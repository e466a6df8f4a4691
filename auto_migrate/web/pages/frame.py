"""The page around what is shown: in the admin's frame where there is one, by itself elsewhere; and its refreshed part.

A page is made of sections. Those that are `live` are asked for again and again, all at once, at the page's own address
with `?part=live`: a small script puts those that have changed in their place, and nothing has to be sent where the ETag
is the one that the browser knows. Without the script the whole page is loaded again every few seconds.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.template import TemplateDoesNotExist
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from auto_migrate.web.auth import is_staff
from auto_migrate.web.pages.markup import joined, tag

# Seconds until the next look, while something goes on and while nothing does.
BUSY, IDLE = 1, 10
# Seconds after which the page is loaded again where no script runs.
RELOAD = 5
# Everything comes from this host, and nothing is written into the page that would run or be obeyed as a style.
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
ASSETS = {"screen.css": "text/css", "screen.js": "text/javascript", "screen.svg": "image/svg+xml"}
FORM = "am-form"

View = Callable[..., HttpResponseBase]


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page, known by its id; `live` tells that it is refreshed."""

    id: str
    title: str
    content: Sequence[object]
    live: bool = False

    def render(self) -> SafeString:
        """Return it as an element."""
        heading = tag("h2", self.title, id=f"{self.id}-title")
        return tag(
            "section", heading, *self.content, id=self.id, aria_labelledby=f"{self.id}-title", data_live=self.live
        )


@dataclasses.dataclass(frozen=True)
class Screen:
    """What a page shows; its sections are made when somebody is to see them.

    `digest` changes with all that is live but the time that passes, `key` with what is shown and is not live. `news` is
    the sentence that is read to whoever cannot see the page.
    """

    title: str
    make: Callable[[], Sequence[Section | None]]
    digest: str = ""
    key: str = ""
    news: str = ""
    interval: int = IDLE
    trail: Sequence[tuple[str, str]] = ()

    @functools.cached_property
    def sections(self) -> list[Section]:
        """The sections that there are."""
        return [section for section in self.make() if section is not None]

    @functools.cached_property
    def etag(self) -> str:
        """What changes with whatever is refreshed."""
        told = f"{self.digest} {self.key} {get_language()}"
        return f'"{hashlib.sha256(told.encode()).hexdigest()[:20]}"'

    @functools.cached_property
    def refreshed(self) -> SafeString:
        """What of it is refreshed, made once for all who ask for it."""
        return _sheet(self, only_live=True)


# -- who gets a page --------------------------------------------------------------------------------------------------


def wants_page(request: HttpRequest) -> bool:
    """Return whether a browser asks, as a person would use it; everybody else gets JSON."""
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def for_browsers(view: View) -> View:
    """Return to browsers a page where the view has JSON to say: what went wrong, or where to look next."""

    @functools.wraps(view)
    def presented(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if not isinstance(response, JsonResponse) or not wants_page(request):
            return response
        if location := response.get("Location"):
            return HttpResponseRedirect(location)
        return _told(request, response) if response.status_code >= 400 else response

    return presented


def _told(request: HttpRequest, response: JsonResponse) -> HttpResponse:
    import json

    error = json.loads(response.content)["error"]
    content: list[object] = [tag("p", error["message"], role="alert")]
    if response.status_code == 403 and (login := address_of("admin:login")):
        here = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "")
        target = urlsplit(here)._replace(scheme="", netloc="").geturl()
        content.append(tag("p", tag("a", _("Log in"), href=f"{login}?next={quote(target)}")))
    screen = Screen(_("This could not be done"), lambda: [Section("am-error", error["code"], content)])
    # What cannot be asked is not to be asked who looks, either.
    told = page(request, screen, status=response.status_code, alone=response.status_code == 503)
    for name in ("Allow",):
        if name in response:
            told[name] = response[name]
    return told


# -- addresses --------------------------------------------------------------------------------------------------------


def own_address(request: HttpRequest, name: str, *args: object, database: str = "", tenant: str = "") -> str:
    """Return the address of one of this app's views, below wherever the project has put them."""
    namespace = request.resolver_match.namespace if request.resolver_match else "auto_migrate"
    address = reverse(f"{namespace}:{name}", args=args)
    query = {"database": "" if database == DEFAULT_DB_ALIAS else database, "tenant": tenant}
    told = urlencode({key: value for key, value in query.items() if value})
    return f"{address}?{told}" if told else address


def address_of(name: str) -> str:
    """Return the address of a view of the project's, empty if it has none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


# -- what is shown ----------------------------------------------------------------------------------------------------


def page(request: HttpRequest, screen: Screen, *, status: int = 200, alone: bool = False) -> HttpResponse:
    """Return a page, or with `?part=live` what of it is refreshed, or that nothing of that has changed.

    One that is `alone` is made without a question to anybody: it has neither the admin's frame nor buttons.
    """
    live = request.GET.get("part") == "live"
    if live and request.headers.get("If-None-Match") == screen.etag:
        response: HttpResponse = HttpResponseNotModified()
    elif live:
        response = HttpResponse(screen.refreshed)
    else:
        response = HttpResponse(_by_itself(request, screen, _sheet(screen))) if alone else _framed(request, screen)
    response.status_code = 304 if isinstance(response, HttpResponseNotModified) else status
    response["ETag"] = screen.etag
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = POLICY
    response["Referrer-Policy"] = "same-origin"
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response


def _sheet(screen: Screen, *, only_live: bool = False) -> SafeString:
    shown = [section for section in screen.sections if section.live or not only_live]
    return tag(
        "div",
        [section.render() for section in shown],
        id="am-screen",
        data_etag=screen.etag,
        data_key=screen.key,
        data_news=screen.news,
        data_interval=screen.interval,
        data_live=any(section.live for section in shown),
    )


def _framed(request: HttpRequest, screen: Screen) -> HttpResponse:
    content = joined([_around(request), _sheet(screen)])
    if is_staff(request) and _has_admin():
        try:
            return _in_admin(request, screen, content)
        except TemplateDoesNotExist:
            pass
    return HttpResponse(_by_itself(request, screen, content))


def _around(request: HttpRequest) -> SafeString:
    """Return what stands once on a page: the form that all buttons belong to, and what the script writes into."""
    token = tag("input", type="hidden", name="csrfmiddlewaretoken", value=get_token(request))
    stale = _("The server does not answer. This is what was known at {time}.").format(time="…")
    words = {"stale": stale, "copied": _("copied")}
    return joined(
        [
            tag("form", token, id=FORM, method="post", enctype="multipart/form-data") if is_staff(request) else None,
            tag("p", id="am-news", class_="am-unseen", role="status", aria_live="polite"),
            tag("p", id="am-stale", role="alert", hidden=True, data_text=words["stale"], data_copied=words["copied"]),
        ]
    )


def _head(request: HttpRequest, screen: Screen) -> SafeString:
    live = any(section.live for section in screen.sections)
    again = tag("noscript", tag("meta", http_equiv="refresh", content=RELOAD)) if live else None
    style, script, icon = (f"{own_address(request, f'asset-{name}')}?{_version(name)}" for name in ASSETS)
    links = [tag("link", rel="stylesheet", href=style), tag("link", rel="icon", href=icon)]
    return joined([*links, tag("script", src=script, defer=True), again])


def _by_itself(request: HttpRequest, screen: Screen, content: SafeString) -> SafeString:
    trail = [tag("a", name, href=address) for name, address in screen.trail]
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", screen.title),
            _head(request, screen),
        ),
        tag(
            "body",
            tag("a", _("To the content"), href="#am-main", class_="am-skip"),
            tag("header", tag("nav", trail, aria_label=_("Pages")), tag("h1", screen.title)),
            tag("main", content, id="am-main", tabindex="-1"),
            class_="am-alone",
        ),
        lang=get_language() or "en",
    )
    return mark_safe(f"<!DOCTYPE html>{document}")  # noqa: S308 # all of it is escaped


def _has_admin() -> bool:
    """Return whether the admin is there and all of its page comes from this host, as the policy wants it."""
    from_here = not urlsplit(str(settings.STATIC_URL)).netloc
    return apps.is_installed("django.contrib.admin") and from_here and bool(address_of("admin:index"))


def _in_admin(request: HttpRequest, screen: Screen, content: SafeString) -> HttpResponse:
    from django.contrib import admin

    context = {
        **admin.site.each_context(request),
        "title": screen.title,
        "head": _head(request, screen),
        "screen": content,
        "trail": screen.trail,
        # One column: what a run does needs the width, and the page less than half of the admin's scripts.
        "is_nav_sidebar_enabled": False,
    }
    return TemplateResponse(request, "auto_migrate/in_admin.html", context).render()


# -- style and script -------------------------------------------------------------------------------------------------


@functools.cache
def _asset(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def _version(name: str) -> str:
    return hashlib.sha256(_asset(name)).hexdigest()[:12]


def asset(request: HttpRequest, name: str) -> HttpResponse:
    """Return the style sheet or the script, which a project need not collect; kept by browsers until it changes."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(_asset(name), content_type=f"{ASSETS[name]}; charset=utf-8", headers=headers)
