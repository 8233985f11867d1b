// Command pulumi-resource-random serves the provider of package random.
package main

import (
	"context"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"github.com/terraform-providers/terraform-provider-random/agent-ready-k8s/random"
)

func main() {
	schema := pf.ProviderMetadata{PackageSchema: random.Schema}
	pf.Main(context.Background(), "random", random.Info(), schema)
}
