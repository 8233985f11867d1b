// Command pulumi-resource-random is Pulumi's random provider: the Terraform provider under Pulumi's bridge,
// with the names that the Python package pulumi-random expects.
//
// The Terraform provider lies below internal/, which only module paths below its own may import; this is
// why the module of this folder is named as it is.
package main

import (
	"context"
	"fmt"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/internal/provider"

	"github.com/terraform-providers/terraform-provider-random/agent-ready-k8s/schema"
)

func main() {
	info := providerInfo()
	pf.Main(context.Background(), "random", info, pf.ProviderMetadata{PackageSchema: schema.Of(info)})
}

func providerInfo() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            pf.ShimProvider(provider.New()),
		Name:         "random",
		Version:      schema.RandomVersion,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources: map[string]*tfbridge.ResourceInfo{
			"random_bytes": {ComputeID: bytesID},
		},
		EnableAccurateBridgePreview: true,
		EnableRawStateDelta:         true,
	}
	name := func(module, name string) (string, error) { // RandomPassword, not Password
		return tokens.MakeStandard("random")(module, "Random"+name)
	}
	info.MustComputeTokens(tokens.SingleModule("random_", "index", name))
	info.MustApplyAutoAliases()
	return info
}

// bytesID is needed because the Terraform resource has no id of its own.
func bytesID(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
	value := state["base64"]
	if value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		return "", fmt.Errorf("random_bytes: base64 must be text to serve as the id")
	}
	return resource.ID(value.StringValue()), nil
}
