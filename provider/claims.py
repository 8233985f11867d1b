"""Handlers of what lives in the cluster: namespace claims, the isolation gate, the proof of admission."""

from cluster import admission, isolation, namespaces
from database import organizations
from provider.handlers import Handler, Inputs
from provider.wire import Plain
from tenants import names


class NamespaceInputs(Inputs):
    """The namespace, its labels, the token that says whose it is, and its UID if one that exists is imported."""

    name: str
    labels: dict[str, str]
    operation_id: str
    adopt: str | None = None


class NamespaceClaimHandler(Handler[NamespaceInputs]):
    """Creates, and adopts only what is named by UID; deletes by UID and waits until it is gone."""

    kind = "NamespaceClaim"
    inputs = NamespaceInputs
    replace_on = frozenset({"name", "operation_id"})
    at_creation = frozenset({"adopt"})

    async def create(self, wanted: NamespaceInputs) -> tuple[str, Plain]:
        return wanted.name, await self.update(wanted.name, wanted, {})

    async def read(self, resource_id: str, known: NamespaceInputs, outputs: Plain) -> Plain | None:
        claim = await namespaces.read(self.cluster, known.name, known.operation_id)
        if claim is None:
            return None
        labels = {label: value for label, value in claim.labels.items() if label in known.labels}
        return {**known.model_dump(), "labels": labels, "uid": claim.uid}

    async def update(self, resource_id: str, wanted: NamespaceInputs, outputs: Plain) -> Plain:
        claim = await namespaces.claim(
            self.cluster, wanted.name, wanted.operation_id, wanted.labels, adopt=wanted.adopt
        )
        return {"uid": claim.uid}

    async def delete(self, resource_id: str, known: NamespaceInputs, outputs: Plain) -> None:
        await namespaces.delete(self.cluster, known.name, outputs["uid"])


class GateInputs(Inputs):
    """What must be read back before the gate opens."""

    org_id: str
    namespace: str
    uid: str
    network_policies: tuple[str, ...]
    role_bindings: tuple[str, ...]
    open: bool = True

    def isolation(self) -> isolation.Isolation:
        """The same for the cluster room."""
        return isolation.Isolation(
            namespace=self.namespace,
            uid=self.uid,
            quota=names.QUOTA,
            limits=names.LIMITS,
            service_account=names.SERVICE_ACCOUNT,
            network_policies=self.network_policies,
            role_bindings=self.role_bindings,
        )


class IsolationGateHandler(Handler[GateInputs]):
    """Opens last, and commits the row: from then on the organization exists for its users."""

    kind = "IsolationGate"
    inputs = GateInputs
    replace_on = frozenset({"org_id", "namespace", "uid"})

    async def create(self, wanted: GateInputs) -> tuple[str, Plain]:
        return wanted.namespace, await self.update(wanted.namespace, wanted, {})

    async def read(self, resource_id: str, known: GateInputs, outputs: Plain) -> Plain | None:
        return {**known.model_dump(), "open": await isolation.is_open(self.cluster, known.isolation())}

    async def update(self, resource_id: str, wanted: GateInputs, outputs: Plain) -> Plain:
        await isolation.open_gate(self.cluster, wanted.isolation())
        async with self.database.transaction() as connection:
            await organizations.commit(connection, int(wanted.org_id))
        return {}

    async def delete(self, resource_id: str, known: GateInputs, outputs: Plain) -> None:
        await isolation.close_gate(self.cluster, known.isolation())


class AdmissionInputs(Inputs):
    """A digest of the policies, so that changed policies are proven again."""

    policies: str
    in_force: bool = True


class AdmissionProofHandler(Handler[AdmissionInputs]):
    """Nothing may rely on the gate before its policies were seen to deny."""

    kind = "AdmissionProof"
    inputs = AdmissionInputs

    async def create(self, wanted: AdmissionInputs) -> tuple[str, Plain]:
        return "gate", await self.update("gate", wanted, {})

    async def read(self, resource_id: str, known: AdmissionInputs, outputs: Plain) -> Plain | None:
        return {"policies": known.policies, "in_force": await admission.still_denied(self.cluster)}

    async def update(self, resource_id: str, wanted: AdmissionInputs, outputs: Plain) -> Plain:
        await admission.wait_until_denied(self.cluster)
        return {}

    async def delete(self, resource_id: str, known: AdmissionInputs, outputs: Plain) -> None:
        """Nothing to do: a proof leaves nothing behind."""
