"""What a pod's Redis user is, in Redis's words, and how it is recognized again."""

from liveconfig.acl import PodUser, _is, _read, digest, password_from

USER = PodUser(7, digest("word"))
LINE = (
    f"user org_7 on sanitize-payload #{digest('word')} resetchannels &config:7:* &config:0:* -@all +auth +hello +ping "
    "+quit +client|setname +subscribe +psubscribe +unsubscribe +punsubscribe"
)


def test_a_user_may_subscribe_to_its_own_channels_and_the_defaults_alone() -> None:
    assert [rule for rule in USER.rules if rule.startswith(("&", "~", "%"))] == ["&config:7:*", "&config:0:*"]
    assert [rule for rule in USER.rules if rule.startswith("+")] == [
        "+auth", "+hello", "+ping", "+quit", "+client|setname",
        "+subscribe", "+psubscribe", "+unsubscribe", "+punsubscribe",
    ]  # fmt: skip
    assert "-@all" in USER.rules and USER.name == "org_7"


def test_a_user_is_recognized_in_what_redis_lists_and_each_change_is_seen() -> None:
    assert _is(dict(_read([LINE])), USER)
    for changed in (
        LINE.replace(" on ", " off "), f"{LINE} ~*", f"{LINE} +get", LINE.replace("&config:7:*", "&config:*"),
        LINE.replace(" -@all", " +@all"), LINE.replace(digest("word"), digest("other")), f"{LINE} (~x +get)",
    ):  # fmt: skip
        assert changed != LINE and not _is(dict(_read([changed])), USER), changed


def test_users_that_are_no_organizations_are_not_ours() -> None:
    others = [
        "user default off -@all",
        "user publisher on +publish",
        "user org_0 on",
        "user org_x on",
        "user org_07 on",
    ]
    assert dict(_read(others)) == {}


def test_a_password_is_kept_as_its_sha_256() -> None:
    assert digest("word") == "98c1eb4ee93476743763878fcb96a25fbc9a175074d64004779ecb5242f645e6"
    assert len(password_from("x")) == 64
