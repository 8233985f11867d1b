"""The loader: every broken catalog is refused as a whole, with the file, line and key of each mistake."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from tenants.catalog import LARGEST_FILE, load_catalog
from tenants.errors import CatalogError, Problem
from tenants.plan import plan
from tenants.plans import PLANS

Write = Callable[..., Path]
CATALOG = Path(__file__).parents[3] / "tenants" / "orgs"
HEAD = "name: Acme\nmembers:\n  - {email: ada@acme.example, role: owner}\n"  # lines 1 to 3 of a valid file


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files of a catalog; text is stored as UTF-8, bytes as they are."""

    def _write(**files: str | bytes) -> Path:
        for name, content in files.items():
            path = tmp_path / f"{name}.yaml"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return _write


def problems_of(folder: Path) -> list[Problem]:
    """What the loader finds wrong with the catalog."""
    with pytest.raises(CatalogError) as refused:
        load_catalog(folder)
    return list(refused.value.problems)


@dataclass(frozen=True)
class Broken:
    """One broken file: its text, each problem's (line, key), and words that its explanation must hold."""

    why: str
    text: str | bytes
    places: tuple[tuple[int, str], ...]
    says: str


def broken(why: str, text: str | bytes, *places: tuple[int, str], says: str) -> Broken:
    """A row of the table."""
    return Broken(why, text, places, says)


def after_head(why: str, text: str, *places: tuple[int, str], says: str) -> Broken:
    """A row whose text follows the three lines of a valid file, so that it starts in line 4."""
    return Broken(why, HEAD + text, places, says)


BROKEN = [
    # the file as a whole
    broken("empty", "", (1, ""), says="holds no organization"),
    broken("only comments", "# nothing\n\n# here\n", (1, ""), says="holds no organization"),
    broken("null document", "~\n", (1, ""), says="holds no organization"),
    broken("a list at the top", "- name: Acme\n", (1, ""), says="holds no organization"),
    broken("a word at the top", "Acme\n", (1, ""), says="start with `name"),
    broken("two documents", f"{HEAD}---\nname: Other\n", (4, ""), says="is not YAML"),
    broken("not UTF-8", HEAD.encode() + b"# caf\xe9\n", (1, ""), says="is not UTF-8"),
    broken("UTF-16", HEAD.encode("utf-16"), (1, ""), says="is not UTF-8"),
    broken("one byte too large", HEAD + "#" * (LARGEST_FILE + 1 - len(HEAD)), (1, ""), says="at most 65536"),
    broken("a tab for indentation", "name: Acme\nmembers:\n\t- x\n", (3, ""), says="is not YAML"),
    broken("an unclosed bracket", "name: Acme\nmembers: [\n", (3, ""), says="is not YAML"),
    broken("an unclosed quote", 'name: "Acme\n', (2, ""), says="is not YAML"),
    broken("wrong indentation", "name: Acme\n  plan: starter\n", (2, ""), says="is not YAML"),
    broken("a stray percent sign", "name: %Acme\n", (1, ""), says="is not YAML"),
    broken("a control character", HEAD + "# \x01\n", (4, ""), says="is not YAML"),
    # aliases, tags, nesting
    after_head("an anchor", "plan: &p starter\n", (4, ""), says="anchor or alias 'p'"),
    after_head("an alias", "slug: &s acme\nplan: *s\n", (4, ""), (5, ""), says="write the value out"),
    after_head("an alias of nothing", "plan: *nowhere\n", (4, ""), says="anchor or alias 'nowhere'"),
    broken(
        "an anchor bomb",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
        (1, ""),
        (2, ""),
        (2, ""),
        (2, ""),
        (3, ""),
        (3, ""),
        (3, ""),
        says="write the value out",
    ),
    broken("a recursive alias", "name: &n [*n]\n", (1, ""), (1, ""), says="anchor or alias 'n'"),
    after_head("a Python tag", "plan: !!python/name:os.system x\n", (4, ""), says="uses the tag"),
    after_head("a tag that runs code", "plan: !!python/object/apply:os.system [id]\n", (4, ""), says="plain YAML only"),
    after_head("a harmless tag", "plan: !!str starter\n", (4, ""), says="uses the tag"),
    after_head("a private tag", "plan: !secret starter\n", (4, ""), says="uses the tag '!secret'"),
    after_head("binary", "plan: !!binary c3RhcnRlcg==\n", (4, ""), says="uses the tag"),
    after_head("the non-specific tag", "plan: ! starter\n", (4, ""), says="uses the tag '!'"),
    after_head("a set", "quota: !!set {cpu}\n", (4, ""), says="uses the tag"),
    after_head("nine levels", f"configs: {'[' * 8}{']' * 8}\n", (4, ""), says="nested deeper than 8"),
    after_head("thousands of levels", f"configs: {'[' * 20000}\n", (4, ""), says="nested deeper than 8"),
    after_head(
        "deep nesting over lines",
        "configs:\n" + "".join(f"{'  ' * n}a:\n" for n in range(1, 12)),
        (12, ""),
        says="nested deeper than 8",
    ),
    after_head("a merge key", "<<: {plan: starter}\n", (4, ""), says="'<<' is not text"),
    # keys
    after_head(
        "an unknown key",
        "colour: red\n",
        (4, "colour"),
        says="allowed here: adopt, configs, database, labels, members, name, network, plan, protected, quota",
    ),
    after_head("a misspelt key", "qouta: {cpu: 1}\n", (4, "qouta"), says="unknown key"),
    after_head("a key in capitals", "Plan: starter\n", (4, "Plan"), says="unknown key"),
    after_head(
        "an unknown key of the quota",
        "quota:\n  cpu: 1\n  gpu: 1\n",
        (6, "quota.gpu"),
        says="cpu, ephemeral_storage, memory, pods, storage",
    ),
    after_head(
        "an unknown key of the network",
        "network:\n  allow_all: true\n",
        (5, "network.allow_all"),
        says="allow_from, allow_to",
    ),
    broken(
        "an unknown key of a member",
        "name: Acme\nmembers:\n  - email: ada@acme.example\n    role: owner\n    phone: x\n",
        (5, "members.0.phone"),
        says="allowed here: email, role",
    ),
    after_head("a key given twice", "plan: starter\nslug: acme\nplan: business\n", (6, "plan"), says="first in line 4"),
    after_head(
        "a key given three times",
        "plan: starter\nplan: business\nplan: starter\n",
        (5, "plan"),
        (6, "plan"),
        says="is given twice",
    ),
    after_head(
        "a nested key given twice", "quota:\n  cpu: 1\n  memory: 1Gi\n  cpu: 2\n", (7, "quota.cpu"), says="line 5"
    ),
    after_head("a setting given twice", "configs: {ai/seed: 1, ai/seed: 2}\n", (4, "configs.ai/seed"), says="keep one"),
    broken(
        "a member's key given twice",
        "name: Acme\nmembers:\n  - {email: a@b.example, role: owner, role: viewer}\n",
        (3, "members.0.role"),
        says="keep one",
    ),
    after_head("a number for a key", "1: x\n", (4, ""), says="'1' is not text; quote it"),
    after_head("yes for a key", "yes: x\n", (4, ""), says="'yes' is not text"),
    after_head("null for a key", "~: x\n", (4, ""), says="'~' is not text"),
    after_head("a date for a key", "2024-01-01: x\n", (4, ""), says="is not text"),
    after_head("a list for a key", "? [a, b]\n: x\n", (4, ""), says="is not text"),
    after_head("a number for a nested key", "quota: {cpu: 1, 2: x}\n", (4, "quota"), says="'2' is not text"),
    after_head("an empty key", '"": x\n', (4, ""), says="unknown key"),
    # names
    broken(
        "a missing name",
        "slug: acme\nmembers:\n  - {email: a@b.example, role: owner}\n",
        (1, "name"),
        says="is missing",
    ),
    broken("an empty name", HEAD.replace("Acme", '""') + "slug: acme\n", (1, "name"), says="at least 1"),
    broken("a name that is null", HEAD.replace(" Acme", "") + "slug: acme\n", (1, "name"), says="valid string"),
    broken(
        "no for a name",
        HEAD.replace("Acme", "no") + "slug: acme\n",
        (1, "name"),
        says="False: Input should be a valid string",
    ),
    broken(
        "on for a name",
        HEAD.replace("Acme", "on") + "slug: acme\n",
        (1, "name"),
        says="True: Input should be a valid string",
    ),
    broken("a number for a name", HEAD.replace("Acme", "42") + "slug: acme\n", (1, "name"), says="valid string"),
    broken(
        "a number in base 60 for a name",
        HEAD.replace("Acme", "12:30:45") + "slug: acme\n",
        (1, "name"),
        says="no plain decimal number",
    ),
    broken(
        "a date for a name",
        HEAD.replace("Acme", "2024-01-01") + "slug: acme\n",
        (1, "name"),
        says="reads as a timestamp",
    ),
    broken(
        "an impossible date for a name",
        HEAD.replace("Acme", "2024-13-45") + "slug: acme\n",
        (1, "name"),
        says="timestamp",
    ),
    broken("an equals sign for a name", HEAD.replace("Acme", "=") + "slug: acme\n", (1, "name"), says="quote it"),
    broken("a list for a name", HEAD.replace("Acme", "[Acme]") + "slug: acme\n", (1, "name"), says="valid string"),
    broken("a decomposed name", HEAD.replace("Acme", "Cafe\u0301"), (1, "name"), says="is not in Unicode NFC"),
    broken("a right-to-left override", HEAD.replace("Acme", '"Ac\\u202Eme"'), (1, "name"), says="'\\u202e'"),
    broken("a zero-width space", HEAD.replace("Acme", '"Ac\\u200Bme"'), (1, "name"), says="invisible"),
    broken("a space at the end", HEAD.replace("Acme", '"Acme "'), (1, "name"), says="a space; remove it"),
    broken(
        "a name of 101 characters", HEAD.replace("Acme", "x" * 101) + "slug: acme\n", (1, "name"), says="at most 100"
    ),
    # slugs
    after_head("an octal number for a slug", "slug: 017\n", (4, "slug"), says="'017' is no plain decimal number"),
    after_head("a number for a slug", "slug: 42\n", (4, "slug"), says="valid string"),
    after_head("false for a slug", "slug: off\n", (4, "slug"), says="valid string"),
    after_head("a slug that is null", "slug:\n", (4, "slug"), says="valid string"),
    after_head("a date for a slug", "slug: 2024-01-01\n", (4, "slug"), says="reads as a timestamp"),
    after_head("capitals in a slug", "slug: Acme\n", (4, "slug"), says="inner hyphens"),
    after_head("an underscore in a slug", "slug: ac_me\n", (4, "slug"), says="inner hyphens"),
    after_head("a homoglyph in a slug", "slug: \u0430cme\n", (4, "slug"), says="inner hyphens"),
    after_head("a slug of 60 characters", f"slug: {'a' * 60}\n", (4, "slug"), says="at most 59"),
    after_head("a reserved slug", "slug: default\n", (4, "slug"), says="is reserved"),
    after_head("a reserved prefix", "slug: kube-system\n", (4, "slug"), says="is reserved"),
    after_head("a traversal for a slug", "slug: ../../etc\n", (4, "slug"), says="is not a slug"),
    # plan
    after_head("an unknown plan", "plan: gold\n", (4, "plan"), says="choose one of starter, business, enterprise"),
    after_head("a plan that is null", "plan:\n", (4, "plan"), says="valid string"),
    after_head("a list for a plan", "plan: [starter]\n", (4, "plan"), says="valid string"),
    # members
    broken("no members", "name: Acme\n", (1, "members"), says="is missing"),
    broken("an empty list of members", "name: Acme\nmembers: []\n", (2, "members"), says="at least 1 item"),
    broken("members that are null", "name: Acme\nmembers:\n", (2, "members"), says="valid tuple"),
    broken(
        "a mapping for members",
        "name: Acme\nmembers: {email: a@b.example, role: owner}\n",
        (2, "members"),
        says="tuple",
    ),
    broken("a word for a member", "name: Acme\nmembers:\n  - a@b.example\n", (3, "members.0"), says="Member"),
    broken("no owner", HEAD.replace("owner", "admin"), (2, "members"), says="none of them is an owner"),
    broken(
        "a member twice", HEAD + "  - {email: ada@acme.example, role: viewer}\n", (2, "members"), says="is listed twice"
    ),
    broken("a member without e-mail", HEAD + "  - {role: viewer}\n", (4, "members.1.email"), says="is missing"),
    broken("a member without role", HEAD + "  - {email: bob@acme.example}\n", (4, "members.1.role"), says="is missing"),
    broken(
        "an unknown role",
        HEAD + "  - email: bob@acme.example\n    role: root\n",
        (5, "members.1.role"),
        says="'viewer'",
    ),
    broken(
        "capitals in an e-mail",
        HEAD + "  - {email: Bob@acme.example, role: viewer}\n",
        (4, "members.1.email"),
        says="in lower case",
    ),
    broken("no e-mail address", HEAD + "  - {email: bob, role: viewer}\n", (4, "members.1.email"), says="such as ada@"),
    broken("yes for a role", HEAD + "  - {email: bob@acme.example, role: yes}\n", (4, "members.1.role"), says="True"),
    # quota
    after_head("an exponent for cpu", "quota:\n  cpu: 1e3\n", (5, "quota.cpu"), says="'1e3' is not a cpu quantity"),
    after_head("not a number for cpu", "quota:\n  cpu: .nan\n", (5, "quota.cpu"), says="'.nan' is no plain"),
    after_head("infinity for cpu", "quota:\n  cpu: .inf\n", (5, "quota.cpu"), says="'.inf' is no plain"),
    after_head("true for cpu", "quota:\n  cpu: yes\n", (5, "quota.cpu"), says="valid string"),
    after_head("negative cpu", "quota:\n  cpu: -2\n", (5, "quota.cpu"), says="'-2'"),
    after_head("zero cpu", "quota:\n  cpu: 0\n", (5, "quota.cpu"), says="is zero"),
    after_head("minus zero cpu", "quota:\n  cpu: -0m\n", (5, "quota.cpu"), says="'-0m'"),
    after_head("absurd cpu", "quota:\n  cpu: 999999999999999999999\n", (5, "quota.cpu"), says="at most 20"),
    after_head("cpu finer than a millicore", "quota:\n  cpu: 0.5m\n", (5, "quota.cpu"), says="millicore"),
    after_head("cpu in base 60", "quota:\n  cpu: 1:30:00\n", (5, "quota.cpu"), says="quote it to mean text"),
    after_head("a list for cpu", "quota:\n  cpu: [1]\n", (5, "quota.cpu"), says="valid string"),
    after_head("decimal memory", "quota:\n  memory: 20G\n", (5, "quota.memory"), says="Ki, Mi, Gi, Ti"),
    after_head("memory without a unit", "quota:\n  memory: 20\n", (5, "quota.memory"), says="valid string"),
    after_head("negative memory", "quota:\n  memory: -20Gi\n", (5, "quota.memory"), says="is not a size"),
    after_head("zero memory", "quota:\n  memory: 0Gi\n", (5, "quota.memory"), says="is zero"),
    after_head("memory with an exponent", "quota:\n  memory: 1e1Gi\n", (5, "quota.memory"), says="is not a size"),
    after_head("too much memory", "quota:\n  memory: 41Gi\n", (5, "quota.memory"), says="at most 40Gi"),
    after_head("too much storage", "quota:\n  cpu: 2\n  storage: 101Gi\n", (6, "quota.storage"), says="at most 100Gi"),
    after_head("a date for storage", "quota:\n  storage: 2024-01-01\n", (5, "quota.storage"), says="timestamp"),
    after_head("a quota that is null", "quota:\n", (4, "quota"), says="Quota"),
    after_head("a list for a quota", "quota: [1]\n", (4, "quota"), says="Quota"),
    # network
    after_head(
        "an allowance for nobody",
        "network:\n  allow_from: [nobody]\n",
        (5, "network.allow_from.0"),
        says="no organization of this catalog",
    ),
    after_head(
        "the second of a list is nobody",
        "network:\n  allow_to:\n    - nobody\n",
        (6, "network.allow_to.0"),
        says="'nobody'",
    ),
    after_head("an allowance for itself", "network:\n  allow_from: [acme]\n", (4, "network"), says="names itself"),
    after_head(
        "a wildcard allowance", "network:\n  allow_from: ['*']\n", (5, "network.allow_from.0"), says="is not a slug"
    ),
    after_head(
        "an allowance for the platform",
        "network:\n  allow_to: [kube-system]\n",
        (5, "network.allow_to.0"),
        says="is reserved",
    ),
    after_head(
        "a word for a list of allowances", "network:\n  allow_from: other\n", (5, "network.allow_from"), says="tuple"
    ),
    after_head(
        "a number for an allowance", "network:\n  allow_from: [7]\n", (5, "network.allow_from.0"), says="valid string"
    ),
    # settings
    after_head(
        "a setting without a service", "configs:\n  threshold: 1\n", (5, "configs.threshold"), says="service/key"
    ),
    after_head("a setting with a glob", "configs:\n  ai/*: 1\n", (5, "configs.ai/*"), says="is no setting"),
    after_head("a setting with a colon", "configs:\n  'ai:x/y': 1\n", (5, "configs.ai:x/y"), says="is no setting"),
    after_head(
        "a date for a setting",
        "configs:\n  ai/since: 2024-01-01\n",
        (5, "configs.ai/since"),
        says="quote it to mean text",
    ),
    after_head("a list for settings", "configs: [ai/x]\n", (4, "configs"), says="valid dictionary"),
]


def test_the_table_is_as_long_as_it_promises() -> None:
    assert len(BROKEN) >= 60, "issue 4 wants the catalog refused in very many ways"
    assert len({row.why for row in BROKEN}) == len(BROKEN), "each row shows something of its own"


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.why)
def test_a_broken_file_is_refused_at_its_line_and_key(write: Write, row: Broken) -> None:
    problems = problems_of(write(acme=row.text))
    found = sorted((problem.line, problem.key) for problem in problems)
    assert found == sorted(row.places), f"expected {row.places}, got {[str(p) for p in problems]}"
    assert {problem.file for problem in problems} == {"acme.yaml"}, "the file is named as it is called in the catalog"
    assert row.says in " | ".join(problem.text for problem in problems), "the text must teach the rule or the way out"


def test_the_valid_head_of_the_table_really_is_valid(write: Write) -> None:
    (organization,) = load_catalog(write(acme=HEAD))
    assert organization.slug == "acme", "else every row of the table would fail for the wrong reason"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "slug: 0o17\n",  # YAML 1.2's octal is text in YAML 1.1, and a fine slug
        HEAD + "slug: 'no'\n",
        HEAD + "slug: acme # comment\n",
        HEAD.replace("Acme", "'yes'"),
        HEAD.replace("\n", "\r\n"),
        "\ufeff" + HEAD,
        "---\n" + HEAD + "...\n",
        HEAD + "quota: {cpu: 0.5}\n",
        HEAD + "quota: {cpu: '16'}\n",
        HEAD + "network: {allow_from: [], allow_to: []}\n",
        HEAD + "configs: {}\n",
        HEAD + "configs: {ai/model: 'no', features/y: no, ai/system_prompt: '017'}\n",
        HEAD + "#" * (LARGEST_FILE - len(HEAD)),
    ],
    ids=lambda text: repr(text[-40:]),
)
def test_an_unusual_but_honest_file_is_accepted(write: Write, text: str) -> None:
    assert len(load_catalog(write(acme=text))) == 1, "strictness must not refuse what is right"


def test_all_problems_of_all_files_come_at_once_sorted_by_file_and_line(write: Write) -> None:
    problems = problems_of(
        write(
            b="name: Beta\nmembers:\n  - {email: b@b.example, role: owner}\nplan: gold\ncolour: red\n",
            a="quota: {memory: 1G, cpu: x}\nname: A\nmembers:\n  - {role: king, email: NO}\n  - {email: a@b.example}\n",
            c=HEAD,
            d=b"\xff",
        )
    )
    places = [(p.file, p.line, p.key) for p in problems]
    assert places == [
        ("a.yaml", 1, "quota.cpu"),
        ("a.yaml", 1, "quota.memory"),
        ("a.yaml", 4, "members.0.email"),
        ("a.yaml", 4, "members.0.role"),
        ("a.yaml", 5, "members.1.role"),
        ("b.yaml", 4, "plan"),
        ("b.yaml", 5, "colour"),
        ("d.yaml", 1, ""),
    ], "one run shows a reviewer everything"


def test_the_refusal_counts_says_that_nothing_changed_and_can_be_clicked(write: Write) -> None:
    with pytest.raises(CatalogError) as refused:
        load_catalog(write(acme=HEAD + "plan: gold\ncolour: red\n"))
    first, *lines = str(refused.value).splitlines()
    assert first == "the catalog has 2 problems, nothing was changed:", "the summary comes first"
    assert [line.split(": ")[:2] for line in lines] == [["  acme.yaml:4", "plan"], ["  acme.yaml:5", "colour"]], (
        "each line starts with file:line: key"
    )


def test_a_single_problem_is_counted_in_the_singular(write: Write) -> None:
    with pytest.raises(CatalogError, match=r"has 1 problem, nothing was changed"):
        load_catalog(write(acme=HEAD + "plan: gold\n"))


@pytest.mark.parametrize("name", ["A-B", "a b", "A_B"])
def test_two_names_with_one_slug_are_refused_at_the_second_ones_name(write: Write, name: str) -> None:
    (problem,) = problems_of(write(one=HEAD.replace("Acme", "a.b"), two=HEAD.replace("Acme", name)))
    assert (problem.file, problem.line, problem.key) == ("two.yaml", 1, "slug"), (
        "the slug comes from the name in line 1"
    )
    assert "'a-b' is also the slug of one.yaml" in problem.text, "the text names the other file"


def test_two_files_with_one_slug_are_refused_at_the_second_ones_slug(write: Write) -> None:
    (problem,) = problems_of(write(one=HEAD, two=HEAD.replace("Acme", "Other") + "slug: acme\n"))
    assert (problem.file, problem.line, problem.key) == ("two.yaml", 4, "slug"), "the slug's own line"


def test_three_files_with_one_slug_give_two_problems(write: Write) -> None:
    problems = problems_of(write(one=HEAD, two=HEAD, three=HEAD))
    assert [p.file for p in problems] == ["three.yaml", "two.yaml"], "each later file is a problem, the first is not"


def test_an_allowance_may_name_an_organization_that_comes_later(write: Write) -> None:
    other = HEAD.replace("Acme", "Zeta")
    assert len(load_catalog(write(a=HEAD + "network: {allow_from: [zeta]}\n", z=other))) == 2, "order must not matter"


def test_organizations_come_sorted_by_slug_whatever_the_files_are_called(write: Write) -> None:
    folder = write(a=HEAD.replace("Acme", "Zeta"), z=HEAD.replace("Acme", "Alpha"))
    assert [o.slug for o in load_catalog(folder)] == ["alpha", "zeta"], "a renamed file must not change the plan"


def test_other_files_of_the_folder_are_not_read(write: Write, tmp_path: Path) -> None:
    write(acme=HEAD)
    (tmp_path / "README.md").write_text("not yaml: [")
    (tmp_path / "beta.yml").write_text(HEAD.replace("Acme", "Beta"))
    assert [o.slug for o in load_catalog(tmp_path)] == ["acme", "beta"], (
        "*.yaml and *.yml are the catalog, nothing else"
    )


def test_a_missing_folder_is_a_problem_and_no_empty_catalog(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "nowhere")
    assert "is not a folder" in problem.text, "an empty catalog would delete every organization"


def test_a_problem_of_the_whole_file_is_shown_without_a_key() -> None:
    assert str(Problem("a.yaml", 3, "", "is odd")) == "a.yaml:3: is odd", "no empty key between colons"
    assert str(Problem("a.yaml", 3, "quota.cpu", "is odd")) == "a.yaml:3: quota.cpu: is odd", "file:line: key: what"


# ---- the committed catalog -------------------------------------------------------------------------------------------


def test_the_committed_catalog_loads() -> None:
    assert [o.slug for o in load_catalog(CATALOG)] == [
        "acme-robotics",
        "bluebird-studio",
        "contoso",
        "fernweh-travel",
        "northwind-logistics",
        "quanta-labs",
    ], "six organizations"


def test_the_committed_organizations_really_differ() -> None:
    organizations = load_catalog(CATALOG)
    for one, other in combinations([plan(o) for o in organizations], 2):
        shapes = [
            (p.quota, sorted((b.role, len(b.users)) for b in p.bindings), len(p.network_policies), p.configs)
            for p in (one, other)
        ]
        assert shapes[0] != shapes[1], f"{one.slug} and {other.slug} are the same tenant twice"
    assert {o.plan for o in organizations} == set(PLANS), "every plan is shown"
    assert {m.role for o in organizations for m in o.members} == {"owner", "admin", "member", "viewer"}, (
        "every role is shown"
    )
    assert len({o.sizes() for o in organizations}) >= 5, "sizes differ"
    assert {type(v) for o in organizations for v in o.configs.values()} == {bool, int, float, str}, (
        "every kind of setting"
    )
    assert any(o.network.allow_from for o in organizations), "incoming traffic is shown"
    assert any(o.network.allow_to for o in organizations), "outgoing traffic is shown"


def test_the_committed_allowances_are_named_by_both_sides() -> None:
    organizations = {o.slug: o for o in load_catalog(CATALOG)}
    for slug, organization in organizations.items():
        for other in organization.network.allow_from:
            assert slug in organizations[other].network.allow_to, f"{other} does not name {slug}: nothing would flow"
        for other in organization.network.allow_to:
            assert slug in organizations[other].network.allow_from, f"{other} does not name {slug}: nothing would flow"


# ---- defects of the past ---------------------------------------------------------------------------------------------


def test_a_number_of_thousands_of_digits_is_a_problem_and_no_crash(write: Write) -> None:
    (problem,) = problems_of(write(acme=HEAD + f"quota: {{cpu: {'9' * 5000}}}\n"))
    assert (problem.line, problem.key) == (4, "quota.cpu"), "the file's author needs the line, not a traceback"


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere")])
def test_what_cannot_be_read_as_a_file_is_a_problem_and_no_crash(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "acme.yaml")
    assert [p.file for p in problems_of(tmp_path)] == ["acme.yaml"], (
        "the catalog is refused, the program does not crash"
    )


def test_rules_over_several_fields_are_reported_beside_the_others(write: Write) -> None:
    text = "name: Acme\nmembers:\n  - {email: ada@acme.example, role: viewer}\nplan: gold\n"
    assert [(p.line, p.key) for p in problems_of(write(acme=text))] == [(2, "members"), (4, "plan")], (
        "all errors at once"
    )


def test_a_duplicate_key_does_not_hide_other_problems(write: Write) -> None:
    text = HEAD + "plan: gold\nplan: gold\ncolour: red\n"
    assert [p.key for p in problems_of(write(acme=text))] == ["plan", "plan", "colour"], "all errors at once"


def test_an_allowance_for_an_organization_that_has_a_mistake_is_not_reported_too(write: Write) -> None:
    folder = write(a=HEAD + "network: {allow_from: [beta]}\n", b=HEAD.replace("Acme", "Beta") + "plan: gold\n")
    assert [p.file for p in problems_of(folder)] == ["b.yaml"], "beta is in the catalog; only its plan is wrong"


@pytest.mark.parametrize("name", ["世界", "Default", "x" * 60])
def test_a_name_that_makes_no_slug_is_refused_at_the_name_with_the_other_problems(write: Write, name: str) -> None:
    text = "# a comment\n" + HEAD.replace("Acme", name) + "plan: gold\n"
    assert [(p.line, p.key) for p in problems_of(write(acme=text))] == [(2, "name"), (5, "plan")], (
        "file:line: key, all at once"
    )


def test_a_missing_name_does_not_claim_that_the_slug_is_required(write: Write) -> None:
    text = "members:\n  - {email: ada@acme.example, role: owner}\n"
    assert [p.key for p in problems_of(write(acme=text))] == ["name"], "slug is optional"


@pytest.mark.parametrize("value", ["[1]", "{a: b}", ""])
def test_a_setting_of_a_wrong_type_is_one_problem_at_its_own_key(write: Write, value: str) -> None:
    problems = problems_of(write(acme=HEAD + f"configs:\n  ai/model: {value}\n"))
    assert [(p.line, p.key) for p in problems] == [(5, "configs.ai/model")], (
        "bool, int, float and str are no keys of the file"
    )


def test_an_unknown_key_that_starts_with_function_is_named(write: Write) -> None:
    (problem,) = problems_of(write(acme=HEAD + "function-x: 1\n"))
    assert (problem.line, problem.key) == (4, "function-x"), "the author needs the key"


def test_a_size_with_an_odd_fraction_is_refused_at_its_own_key(write: Write) -> None:
    (problem,) = problems_of(write(acme=HEAD + "quota:\n  memory: 0.1Gi\n"))
    assert (problem.line, problem.key) == (5, "quota.memory"), "now it says acme.yaml:1: '107374182' is not a size"


@pytest.mark.parametrize("cpu", ["010", "0b11", "0x10", "1_0", "1.5e+1"])
def test_a_number_that_yaml_reads_otherwise_than_it_looks_is_refused(write: Write, cpu: str) -> None:
    (problem,) = problems_of(write(acme=HEAD + f"quota:\n  cpu: {cpu}\n"))
    assert problem.key == "quota.cpu", "quotas are bills: what is written must be what is meant"


def test_a_list_used_as_a_key_is_refused_in_words(write: Write) -> None:
    (problem,) = problems_of(write(acme=HEAD + "? [a, b]\n: x\n"))
    assert "ScalarNode" not in problem.text, "the author wrote no ScalarNode"


def test_a_control_character_is_reported_in_its_own_line(write: Write) -> None:
    (problem,) = problems_of(write(acme=HEAD + "# \x01\n"))
    assert problem.line == 4, "file:line must lead to the mistake"


def test_a_catalog_without_a_file_is_refused_because_it_would_delete_everyone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("moved")
    (problem,) = problems_of(tmp_path)
    assert problem.file == str(tmp_path), "the folder is named: perhaps it is the wrong one"
    assert "one by one" in problem.text and "`make destroy`" in problem.text, "both ways out"


@pytest.mark.parametrize("number", ["010", "0x10", "1_000", "+1", ".5", "1.", "1e-7", "1.0e+1", ".inf", "9" * 41])
def test_a_setting_is_the_number_that_stands_there(write: Write, number: str) -> None:
    if number == "1e-7":  # text in YAML 1.1, as everybody can see in the review
        assert load_catalog(write(acme=HEAD + f"configs: {{ai/model: {number}}}\n"))[0].configs == {"ai/model": number}
        return
    (problem,) = problems_of(write(acme=HEAD + f"configs: {{ai/seed: {number}}}\n"))
    assert (problem.line, problem.key) == (4, "configs.ai/seed"), "its own place"
    assert "plain decimal number" in problem.text, "and the way out"


def test_a_value_that_cannot_be_read_is_one_problem_beside_the_others(write: Write) -> None:
    text = "name: 2024-01-01\nplan: gold\nquota: {cpu: 0x10, memory: 41Gi}\n"
    assert [(p.line, p.key) for p in problems_of(write(acme=text))] == [
        (1, "members"),
        (1, "name"),
        (2, "plan"),
        (3, "quota.cpu"),
    ], "no second problem for what stands in place of the unreadable value"


def test_allowances_of_a_file_with_mistakes_are_looked_at_too(write: Write) -> None:
    text = HEAD + "plan: gold\nnetwork:\n  allow_from: [nobody, 7, '*']\n"
    assert [(p.line, p.key) for p in problems_of(write(acme=text))] == [
        (4, "plan"),
        (6, "network.allow_from.0"),
        (6, "network.allow_from.1"),
        (6, "network.allow_from.2"),
    ], "all errors at once"


def test_a_slug_is_taken_by_a_file_with_mistakes_too(write: Write) -> None:
    problems = problems_of(write(a=HEAD + "plan: gold\n", b=HEAD))
    assert [(p.file, p.key) for p in problems] == [("a.yaml", "plan"), ("b.yaml", "slug")], "all errors at once"


def test_a_file_that_cannot_be_read_counts_by_its_own_name(write: Write) -> None:
    folder = write(a=HEAD + "network: {allow_from: [beta]}\n", beta="name: [\n")
    assert {p.file for p in problems_of(folder)} == {"beta.yaml"}, "beta is in the catalog; only its text is broken"
