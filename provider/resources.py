"""The provider's resources as Pulumi programs see them. Only `components/` registers them.

Property names on the wire are the Python names. `opts` is Pulumi's. A resource whose drift shows as a flag takes
that flag as a constant input (`open`, `in_force`), so that a refresh that finds it false makes the next update act.
"""

from collections.abc import Mapping, Sequence

import pulumi

PACKAGE = "tenancy"
CLEAR_LOGIN = f"{PACKAGE}:index:clearLogin"


class Provider(pulumi.ProviderResource):
    """Connections of the tenancy provider: a kubeconfig's path, the database as the platform's role, and Redis as one
    who may use ACL. Both URLs are secrets.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        kubeconfig: pulumi.Input[str],
        database_url: pulumi.Input[str],
        redis_operator_url: pulumi.Input[str],
        redis_ca_file: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "kubeconfig": kubeconfig,
            "database_url": pulumi.Output.secret(database_url),
            "redis_operator_url": pulumi.Output.secret(redis_operator_url),
            "redis_ca_file": redis_ca_file,
        }
        super().__init__(PACKAGE, resource_name, props, opts)


class DatabaseSchema(pulumi.CustomResource):
    """The control plane's schema; `migrations` is a digest of its files, `on_destroy` is `keep` or `drop`."""

    def __init__(
        self,
        resource_name: str,
        *,
        migrations: str,
        on_destroy: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"migrations": migrations, "on_destroy": on_destroy}
        super().__init__(f"{PACKAGE}:index:DatabaseSchema", resource_name, props, opts)


class AdmissionProof(pulumi.CustomResource):
    """Stands only while the gate's admission policies are seen to deny; `policies` re-proves when they change."""

    def __init__(
        self, resource_name: str, *, policies: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {"policies": policies, "in_force": True}
        super().__init__(f"{PACKAGE}:index:AdmissionProof", resource_name, props, opts)


class OrganizationRow(pulumi.CustomResource):
    """The organization's row. Its id is the organization's number; a slug is given out once and for ever.

    `members` are roles by e-mail address, all of them: its memberships are written with it. `reservation` is the
    operation that has reserved the row already; it counts once.
    """

    operation_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        slug: str,
        display_name: str,
        plan: str,
        managed_by: str,
        quota: Mapping[str, str],
        database_rotation: int,
        retention_days: int,
        members: Mapping[str, str],
        reservation: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "slug": slug,
            "display_name": display_name,
            "plan": plan,
            "managed_by": managed_by,
            "quota": dict(quota),
            "database_rotation": database_rotation,
            "retention_days": retention_days,
            "members": dict(members),
            "reservation": reservation,
            "operation_id": None,
        }
        super().__init__(f"{PACKAGE}:index:OrganizationRow", resource_name, props, opts)


class NamespaceClaim(pulumi.CustomResource):
    """A namespace made by creation only: one that exists already fails the update and stays untouched.

    `adopt` imports the one that exists with this UID instead. It counts once: adding or removing it later is no change.
    """

    uid: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: str,
        labels: Mapping[str, str],
        operation_id: pulumi.Input[str],
        adopt: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"name": name, "labels": dict(labels), "operation_id": operation_id, "adopt": adopt, "uid": None}
        super().__init__(f"{PACKAGE}:index:NamespaceClaim", resource_name, props, opts)


class ConfigDefaults(pulumi.CustomResource):
    """The catalog's first values of live settings: `service/key` to JSON text. What the API wrote, it leaves alone.

    `changes` lists what the last update changed, as `service/key=version`: the hook's hints, never a value.
    """

    changes: pulumi.Output[Sequence[str]]

    def __init__(
        self,
        resource_name: str,
        *,
        org_id: pulumi.Input[str],
        values: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"org_id": org_id, "values": dict(values), "changes": None}
        super().__init__(f"{PACKAGE}:index:ConfigDefaults", resource_name, props, opts)


class DatabaseLogin(pulumi.CustomResource):
    """Binds one generation of an organization's login to it, in the database.

    `password` is `fresh`, or the one that is in force already; `verifier` is what the role is made with. Both are
    secrets. `password` is missing for an earlier generation that nobody can tell any more.
    """

    role_name: pulumi.Output[str]
    password: pulumi.Output[str]
    verifier: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        org_id: pulumi.Input[str],
        operation_id: pulumi.Input[str],
        generation: int,
        namespace: str,
        fresh: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "org_id": org_id,
            "operation_id": operation_id,
            "generation": generation,
            "namespace": namespace,
            "fresh": pulumi.Output.secret(fresh),
            "role_name": None,
            "password": None,
            "verifier": None,
        }
        super().__init__(f"{PACKAGE}:index:DatabaseLogin", resource_name, props, opts)


async def clear_login(role_name: str, provider: pulumi.ProviderResource) -> None:
    """Drop the role of a login that Pulumi is about to make and does not know of."""
    await pulumi.runtime.invoke_async(CLEAR_LOGIN, {"role_name": role_name}, pulumi.InvokeOptions(provider=provider))


class RedisUser(pulumi.CustomResource):
    """The Redis user of an organization's pods, known by the same password to the relay. `password` is a secret.

    PostgreSQL keeps the password's SHA-256, from which the user is made again when Redis has forgotten it.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        org_id: pulumi.Input[str],
        password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "org_id": org_id,
            "password": pulumi.Output.secret(password),
            "in_force": True,
        }
        super().__init__(f"{PACKAGE}:index:RedisUser", resource_name, props, opts)


class IsolationGate(pulumi.CustomResource):
    """Opens the namespace for pods once everything named here was read back, and commits the organization's row."""

    def __init__(
        self,
        resource_name: str,
        *,
        org_id: pulumi.Input[str],
        namespace: str,
        uid: pulumi.Input[str],
        network_policies: Sequence[str],
        role_bindings: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "org_id": org_id,
            "namespace": namespace,
            "uid": uid,
            "network_policies": list(network_policies),
            "role_bindings": list(role_bindings),
            "open": True,
        }
        super().__init__(f"{PACKAGE}:index:IsolationGate", resource_name, props, opts)
