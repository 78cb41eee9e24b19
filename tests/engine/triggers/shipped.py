"""The triggers of the shipped contract."""

from automation.contract.document.document import default_path, load
from automation.engine.triggers import Triggers

TRIGGERS = Triggers(load(default_path()))
