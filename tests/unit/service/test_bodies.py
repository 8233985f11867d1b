"""What callers send becomes the model's organization, and one spelling of it becomes one hash."""

import pytest
from pydantic import ValidationError

from service.bodies import PreviewOf, QuotaChange, SignUp, request_hash, with_sizes
from service.problems import Problem, stored


def test_a_sign_up_is_an_organization_with_one_owner_and_the_plans_defaults() -> None:
    made = SignUp(name="Acme Robotics", owner_email="ada@acme.example").organization()
    assert (made.slug, made.plan, made.protected) == ("acme-robotics", "starter", True)
    assert [(member.email, member.role) for member in made.members] == [("ada@acme.example", "owner")]


def test_two_spellings_of_one_request_have_one_hash_and_another_request_has_another() -> None:
    def digest(**body: object) -> str:
        made = SignUp.model_validate({"owner_email": "a@b.example", "name": "A", **body}).organization()
        return request_hash("create", made.model_dump(mode="json", exclude_defaults=True))

    assert digest(quota={"cpu": "2"}) == digest(quota={"cpu": "2000m"}) == digest(quota={"cpu": 2}, plan="starter")
    assert digest(slug="a") == digest(), "the slug that would be made anyway"
    assert digest() != digest(quota={"cpu": "3"})


@pytest.mark.parametrize("key", ["adopt", "members", "labels", "configs", "network", "protected", "database"])
def test_a_catalogs_fields_are_none_of_the_apis(key: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        SignUp.model_validate({"name": "A", "owner_email": "a@b.example", key: "x"})


def test_a_name_without_a_slug_is_refused_where_it_was_given() -> None:
    with pytest.raises(Problem) as refused:
        SignUp(name="株式会社", owner_email="a@b.example").organization()
    assert [error.field for error in refused.value.errors] == ["name"], "with the way out: give `slug`"


def test_sizes_that_are_left_out_stay_and_the_plan_bounds_all_of_them() -> None:
    organization = SignUp.model_validate(
        {"name": "A", "owner_email": "a@b.example", "quota": {"cpu": "2", "memory": "4Gi"}}
    ).organization()
    changed = with_sizes(organization, {"memory": "8Gi"})
    assert (changed.quota.cpu, changed.quota.memory) == ("2", "8Gi")
    with pytest.raises(Problem) as refused:
        with_sizes(organization, {"memory": "999Gi"})
    assert [error.field for error in refused.value.errors] == ["quota.memory"]


def test_a_quota_change_says_why_and_names_a_size() -> None:
    for body in ({"cpu": "1"}, {"reason": "x"}, {"cpu": "1", "reason": ""}):
        with pytest.raises(ValidationError):
            QuotaChange.model_validate(body)
    assert QuotaChange.model_validate({"cpu": "1", "reason": "x"}).asked() == {"cpu": "1"}
    assert PreviewOf.model_validate({}).quota is None


def test_a_preview_looks_at_whatever_a_change_may_name_and_at_a_sign_up() -> None:
    before = SignUp(name="A", slug="a", owner_email="a@b.example").organization()
    asked = PreviewOf.model_validate({"labels": {"team": "blue"}, "plan": "business", "quota": {"cpu": "20"}})
    after = asked.changed(before)
    assert (after.labels, after.plan, after.quota.cpu) == ({"team": "blue"}, "business", "20")
    sign_up = PreviewOf.model_validate({"name": "A", "owner_email": "a@b.example", "quota": {"cpu": "2"}})
    assert sign_up.sign_up("a").quota.cpu == "2"
    with pytest.raises(Problem) as refused:
        PreviewOf.model_validate({"name": "A", "owner_email": "a@b.example", "labels": {"a": "b"}}).sign_up("a")
    assert [error.field for error in refused.value.errors] == ["labels"], "a sign-up names none"


def test_a_stored_problem_is_told_as_it_was() -> None:
    problem = Problem(409, "namespace-taken", "T", "D", more={"left": ["x"]})
    assert stored(problem.body()).body() == problem.body()
