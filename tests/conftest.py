"""Makes `ansible_collections.mink8s.kubernetes` importable from this checkout."""

import sys
from pathlib import Path

from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = Path(__file__).parent.parent
TREE = ROOT / ".collections"

namespace = TREE / "ansible_collections" / "mink8s"
namespace.mkdir(parents=True, exist_ok=True)
if not (namespace / "kubernetes").exists():
    (namespace / "kubernetes").symlink_to(ROOT, target_is_directory=True)
_AnsibleCollectionFinder(paths=[str(TREE)])._install()
sys.path.insert(0, str(TREE))
