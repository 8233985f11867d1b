// Command pulumi-resource-postgresql serves the provider of package postgresql.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"github.com/terraform-providers/terraform-provider-random/agent-ready-k8s/postgresql"
)

func main() {
	tfbridge.Main("postgresql", postgresql.Version, postgresql.Info(), postgresql.Schema)
}
