"""The providers that every resource of a stack goes through."""

import importlib

import pulumi
import pulumi_kubernetes as k8s
import pulumi_postgresql as postgresql
import pulumi_random as random

from components.settings import DatabaseAddress, Settings
from provider.resources import Provider


def load_ahead() -> None:
    """Import what the SDKs import only at its first use: a seventh of a second that no sign-up should wait for."""
    for module in ("core.v1", "networking.v1", "rbac.v1", "meta.v1"):
        importlib.import_module(f"pulumi_kubernetes.{module}")


def connect(settings: Settings) -> dict[str, pulumi.ProviderResource]:
    """Register the providers, by package, as the platform's own identity."""
    database = DatabaseAddress.from_url(settings.database_url)
    return {
        "kubernetes": k8s.Provider(
            "cluster",
            kubeconfig=settings.kubeconfig,
            enable_server_side_apply=True,
            enable_secret_mutable=True,  # a new password changes the Secret, else it would be deleted and made again
        ),
        "tenancy": Provider(
            "tenancy",
            kubeconfig=settings.kubeconfig,
            database_url=settings.database_url,
            redis_operator_url=settings.redis_operator_url,
            redis_ca_file=settings.redis_ca_file,
        ),
        "postgresql": postgresql.Provider(
            "database",
            host=database.host,
            port=database.port,
            database=database.dbname,
            username=database.username,
            password=pulumi.Output.secret(database.password),
            sslmode=database.sslmode,
            sslrootcert=database.ca_file,
            superuser=False,
            connect_timeout=15,
        ),
        "random": random.Provider("random"),
    }
