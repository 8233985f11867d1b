"""Prints as JSON the installed packages that carry a pulumi-plugin.json: name, version, its content."""

import glob
import json
import os
import sys
from importlib import metadata

found = []
seen = set()
for folder in dict.fromkeys(os.path.abspath(entry or ".") for entry in sys.path):
    for path in sorted(glob.glob(os.path.join(folder, "*", "pulumi-plugin.json"))):
        package = os.path.basename(os.path.dirname(path))
        if package in seen:  # the first on sys.path is the one a program imports
            continue
        seen.add(package)
        with open(path, encoding="utf-8") as file:
            plugin = json.load(file)
        name = plugin.get("name") or package.removeprefix("pulumi_").replace("_", "-")
        version = plugin.get("version")
        if not version:
            try:
                version = metadata.version(package.replace("_", "-"))
            except metadata.PackageNotFoundError:
                continue
        found.append({"name": name, "version": version.removeprefix("v"), "plugin": plugin})
json.dump(found, sys.stdout)
