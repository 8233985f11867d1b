// Package random describes Pulumi's random provider: the Terraform provider under Pulumi's bridge, with the
// names that the Python package pulumi-random expects.
//
// The Terraform provider lies below internal/, which only module paths below its own may import; this is
// why the module of this folder is named as it is.
package random

import (
	"context"
	_ "embed"
	"fmt"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// Version is that of the Python package, set by the linker (localplane/parts.toml).
var Version = "0.0.0"

// Schema is made from Info by the program in ../schemas.
//
//go:embed schema.json
var Schema []byte

// Info is the provider as the bridge wants it described.
func Info() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            pf.ShimProvider(provider.New()),
		Name:         "random",
		Version:      Version,
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
