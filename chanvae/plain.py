"""YAML that is data of moderate size: a parser in C kills the process on text nested too deep."""

from pathlib import Path

import yaml

_LONGEST = 1 << 18
"""Bytes of a file."""
_DEEPEST = 50
"""Levels of a file."""
_OPEN = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken,
         yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)  # fmt: skip
_CLOSE = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def text(path: Path) -> str:
    """What a YAML file holds, once it is known that it can be parsed.

    Raises:
        yaml.YAMLError: It is no YAML, too large, or nested too deep.
        OSError: It cannot be read.
        UnicodeDecodeError: It is no UTF-8.
    """
    if path.stat().st_size > _LONGEST:
        raise yaml.YAMLError(f"larger than {_LONGEST >> 10} KiB")
    found, depth = path.read_text(encoding="utf-8"), 0
    for token in yaml.scan(found, yaml.SafeLoader):
        depth += isinstance(token, _OPEN) - isinstance(token, _CLOSE)
        if depth > _DEEPEST:
            raise yaml.YAMLError(f"nested deeper than {_DEEPEST} levels")
    return found
