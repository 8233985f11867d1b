"""What must never be deployed: the CrossGuard pack (checked before each resource) and the cluster's admission policies.

The pack is a Pulumi policy project of its own and imports nothing of ours; limits reach it as policy configuration.
`admission/` holds the ValidatingAdmissionPolicies as plain manifests: what tenants do later never passes the pack.
"""
