"""The CloudFormation templates in `deploy/`, read as data."""

import yaml

from iam import substitute
from processes import REPOSITORY


class _Loader(yaml.SafeLoader):
    """Knows CloudFormation's short forms, and leaves booleans and dates as they are written."""


def _function(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".") if suffix == "GetAtt" else value}
    construct = loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping
    return {name: construct(node, deep=True)}


_Loader.add_multi_constructor("!", _function)


def template(name):
    return yaml.load((REPOSITORY / "deploy" / f"{name}.yaml").read_text(encoding="utf-8"), _Loader)  # noqa: S506


def resources_of_type(name, kind):
    return {key: r["Properties"] for key, r in template(name)["Resources"].items() if r["Type"] == kind}


def user_data(launch_template, **variables):
    """What an instance runs when it starts, with `${…}` filled in."""
    text = resources_of_type("compute", "AWS::EC2::LaunchTemplate")[launch_template]["LaunchTemplateData"]["UserData"]
    text = text["Fn::Base64"]["Fn::Sub"]
    return substitute(text[0] if isinstance(text, list) else text, variables)


def plain(value):
    """A value without Fn::Sub: the text that is substituted into."""
    if isinstance(value, dict):
        return value["Fn::Sub"] if value.keys() == {"Fn::Sub"} else {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value
