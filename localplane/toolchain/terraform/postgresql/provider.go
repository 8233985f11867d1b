// Package postgresql describes Pulumi's postgresql provider: a Terraform provider under Pulumi's bridge, with the
// names that the Python package pulumi-postgresql expects.
//
// The Terraform provider is the last version (1.7.1) that can be had from the places this project builds
// from. It has Database, Role, Schema, Grant, DefaultPrivileges and Extension; the Python package's other
// resources (Function, GrantRole, Publication…) need a newer provider.
package postgresql

import (
	_ "embed"

	"github.com/hashicorp/terraform-plugin-sdk/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	sdkv1 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v1"
	"github.com/terraform-providers/terraform-provider-postgresql/postgresql"
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
		P:       sdkv1.NewProvider(postgresql.Provider().(*schema.Provider)),
		Name:    "postgresql",
		Version: Version,
		Config: map[string]*tfbridge.SchemaInfo{
			"sslmode":         {Default: &tfbridge.DefaultInfo{EnvVars: []string{"PGSSLMODE"}}},
			"connect_timeout": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"PGCONNECT_TIMEOUT"}, Value: 180}},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"postgresql_grant": {Tok: "postgresql:index/grant:Grant", DeleteBeforeReplace: true},
		},
	}
	info.MustComputeTokens(tokens.SingleModule("postgresql_", "index", tokens.MakeStandard("postgresql")))
	info.SetAutonaming(255, "-")
	return info
}
