"""Every route that takes a permission, with a request that changes little where it is let in."""

from typing import Any, NamedTuple

NOBODY, NOTHING = "nobody@acme.example", "00000000-0000-4000-8000-000000000000"
FILLED = {
    "email": NOBODY, "service": "ai", "key": "threshold", "change_set_id": NOTHING, "invitation_id": NOTHING,
    "client_id": "no-such-client", "project_id": NOTHING, "note_id": NOTHING, "document_id": NOTHING,
}  # fmt: skip
WHY = {"reason": "a test"}
_CHANGES = {"changes": [{"service": "ai", "key": "no_such_key", "value": 1}], **WHY}
_CLIENT = {"name": "Wiki", "redirect_uris": ["https://wiki.example/callback"]}


class Needed(NamedTuple):
    """What a route needs, and what is sent to it. `tried`: also by those who may, with no lasting effect."""

    permission: str
    body: Any = None
    query: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012 - never written to
    tried: bool = True


_SETTINGS = {
    ("GET", "/configs"): Needed("settings:read"),
    ("GET", "/configs/diff"): Needed("settings:read", query="from=0"),
    ("GET", "/configs/export"): Needed("settings:read"),
    ("POST", "/configs/import"): Needed("settings:change", {}, "reason=test"),
    ("GET", "/configs/{service}/{key}/history"): Needed("settings:read"),
    ("GET", "/configs/{service}/{key}"): Needed("settings:read"),
    ("PUT", "/configs/{service}/{key}"): Needed("settings:change", {"value": 1, **WHY}),
    ("DELETE", "/configs/{service}/{key}"): Needed("settings:change", query="reason=test"),
    ("POST", "/configs/{service}/{key}/rollback"): Needed("settings:change", {"to_version": 2**40, **WHY}),
    ("POST", "/configs/{service}/{key}/kill"): Needed("settings:change", WHY),
    ("POST", "/change-sets"): Needed("settings:change", _CHANGES),
    ("GET", "/change-sets"): Needed("settings:read"),
    ("GET", "/change-sets/{change_set_id}"): Needed("settings:read"),
    ("POST", "/change-sets/{change_set_id}/approve"): Needed("settings:approve", WHY),
    ("POST", "/change-sets/{change_set_id}/reject"): Needed("settings:approve", WHY),
    ("POST", "/change-sets/{change_set_id}/cancel"): Needed("settings:change", WHY),
}
_DATA = {
    (method, path + end): Needed(permission, body)
    for path, one, new, changed in (
        ("/projects", "/{project_id}", {"name": "Alpha"}, {"name": "Beta"}),
        ("/projects/{project_id}/notes", "/{note_id}", {"title": "Alpha"}, {"title": "Beta"}),
        ("/documents", "/{document_id}", {"name": "Alpha", "content": "x"}, {"name": "Beta"}),
    )
    for method, end, permission, body in (
        ("POST", "", "data:change", new), ("GET", "", "data:read", None), ("GET", one, "data:read", None),
        ("PATCH", one, "data:change", changed), ("DELETE", one, "data:change", None),
        ("POST", one + "/restore", "data:change", None),
    )
}  # fmt: skip
_ORGANIZATION = {
    ("GET", ""): Needed("organization:read"),
    ("DELETE", ""): Needed("organization:delete"),  # protected: it takes a confirmation
    ("PATCH", ""): Needed("organization:change", {"name": "New", **WHY}, headers={"If-Match": '"old"'}),
    ("POST", "/preview"): Needed("organization:read", {"retention_days": 60}),
    ("GET", "/export"): Needed("organization:read"),
    ("GET", "/quota"): Needed("organization:read"),
    ("PATCH", "/quota"): Needed("organization:plan", {"cpu": "99999", **WHY}),
    ("GET", "/members"): Needed("members:read"),
    ("PUT", "/members/{email}"): Needed("members:change", {"role": "viewer", **WHY}, tried=False),
    ("DELETE", "/members/{email}"): Needed("members:change", query="reason=test"),
    ("POST", "/members/transfer"): Needed("members:govern", {"to": NOBODY, **WHY}),
    ("POST", "/invitations"): Needed("members:change", {"email": "ada@acme.example", "role": "viewer"}),
    ("GET", "/invitations"): Needed("members:read"),
    ("DELETE", "/invitations/{invitation_id}"): Needed("members:change"),
    ("GET", "/clients"): Needed("clients:change"),
    ("PUT", "/clients/{client_id}"): Needed("clients:change", _CLIENT),
    ("DELETE", "/clients/{client_id}"): Needed("clients:change"),
    ("GET", "/kubeconfig"): Needed("cluster:use"),
    ("GET", "/audit"): Needed("audit:read"),
    ("GET", "/audit/export"): Needed("audit:read"),
    ("GET", "/audit/verify"): Needed("audit:read"),
    ("GET", "/flags/stale"): Needed("settings:read"),
    ("POST", "/flags/import"): Needed("settings:change", {"flags": {}}, "reason=test"),
    ("POST", "/ofrep/v1/evaluate/flags"): Needed("settings:read", {}),
    ("POST", "/ofrep/v1/evaluate/flags/{key:path}"): Needed("settings:read", {}),
    **_SETTINGS, **_DATA,
}  # fmt: skip
_OF_PLATFORM = {"settings:read": "platform:read", "settings:change": "platform:change",
                "settings:approve": "platform:change"}  # fmt: skip
_PLATFORM = {
    ("GET", "/clients"): Needed("platform:identity"),
    ("PUT", "/clients/{client_id}"): Needed("platform:identity", _CLIENT),
    ("DELETE", "/clients/{client_id}"): Needed("platform:identity"),
    ("GET", "/audit"): Needed("platform:read"),
    ("GET", "/audit/export"): Needed("platform:read"),
    ("GET", "/audit/verify"): Needed("platform:read"),
    ("GET", "/staff"): Needed("platform:identity"),
    ("PUT", "/staff/{email}"): Needed("platform:identity", {"role": None, **WHY}),
    ("GET", "/signing-keys"): Needed("platform:identity"),
    ("POST", "/signing-keys/rotate"): Needed("platform:identity", WHY, tried=False),
    **{route: needed._replace(permission=_OF_PLATFORM[needed.permission]) for route, needed in _SETTINGS.items()},
}

IN_ORGANIZATIONS = {
    (method, "/v1/organizations/{slug}" + end): needed for (method, end), needed in _ORGANIZATION.items()
}
ELSEWHERE = {
    **{(method, "/v1/platform" + end): needed for (method, end), needed in _PLATFORM.items()},
    ("GET", "/v1/organizations"): Needed("platform:read"),
    ("GET", "/v1/drift"): Needed("platform:read"),
    ("POST", "/v1/drift/{slug}/repair"): Needed("platform:change", tried=False),
    ("POST", "/v1/drain"): Needed("platform:change", tried=False),
    ("POST", "/v1/auth/kubernetes"): Needed("cluster:use"),
}
NEEDED = IN_ORGANIZATIONS | ELSEWHERE

#: Whoever is known may; what they see or end is their own, which tests of these routes show.
KNOWN = {
    ("POST", "/v1/auth/logout"), ("GET", "/v1/auth/me"), ("GET", "/v1/auth/sessions"), ("POST", "/v1/auth/revoke"),
    ("POST", "/v1/auth/password/change"), ("GET", "/v1/operations/{operation_id}"),
    ("GET", "/v1/operations/{operation_id}/events"),
}  # fmt: skip
#: Anybody may, or it asks in its own way: a password, a mailed token, a cookie, a client's or the API server's secret.
PUBLIC = {
    ("POST", "/v1/organizations"), ("POST", "/v1/auth/login"), ("POST", "/v1/auth/refresh"),
    ("POST", "/v1/auth/password"), ("POST", "/v1/auth/password/reset"), ("POST", "/v1/auth/invitations/accept"),
    ("GET", "/.well-known/openid-configuration"), ("GET", "/.well-known/jwks.json"),
    ("GET", "/oauth2/authorize"), ("POST", "/oauth2/authorize"), ("GET", "/oauth2/log-in"), ("POST", "/oauth2/log-in"),
    ("POST", "/oauth2/go-on"), ("POST", "/oauth2/token"), ("POST", "/oauth2/introspect"), ("POST", "/oauth2/revoke"),
    ("GET", "/oauth2/userinfo"), ("POST", "/oauth2/userinfo"),
    ("GET", "/oauth2/logout"), ("POST", "/oauth2/logout"), ("POST", "/oauth2/log-out"),
    ("POST", "/v1/kubernetes/token-review"), ("POST", "/v1/kubernetes/access-review"), ("GET", "/console"),
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/openapi.json"),
}  # fmt: skip
