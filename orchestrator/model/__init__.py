"""The frozen vocabulary: what a matrix, a cell, a lock, a recipe, an observation and a verdict are.

Nothing here reads a clock, a file, the network or the environment. Raw YAML and JSON become these types at
the border (`matrix.document`, `store.records`) and nothing behind it handles dictionaries.
"""

from orchestrator.model.engine import Engine, EngineId, EngineKind, Exit, Prepared, Stored, Task, not_held
from orchestrator.model.environment import FIXED_VARIABLES, loading
from orchestrator.model.image import Base, BaseSpec, BuildContext, LibraryLayer, Recipe, Renderer, Step, StepKind
from orchestrator.model.inspection import Inspected, Inspection
from orchestrator.model.lock import BuiltFor, Distribution, Index, IndexFile, Libraries, Lock, SourceKind, public_index
from orchestrator.model.matrix import (
    ABSENT,
    UNPINNED,
    Axis,
    AxisKind,
    Cell,
    Choice,
    Condition,
    Group,
    Limits,
    Matrix,
    Question,
    Rule,
    Sources,
    Strategy,
    digest,
)
from orchestrator.model.outcome import Answer, AnswerKind, Outcome, OutcomeKind, Verdict, VerdictKind
from orchestrator.model.record import CellRecord, Ended, Frame, Observation, Probe, ProbeKind, Raised, RunInfo
from orchestrator.model.task import CellTask

__all__ = [
    "ABSENT",
    "FIXED_VARIABLES",
    "UNPINNED",
    "Answer",
    "AnswerKind",
    "Axis",
    "AxisKind",
    "Base",
    "BaseSpec",
    "BuildContext",
    "BuiltFor",
    "Cell",
    "CellRecord",
    "CellTask",
    "Choice",
    "Condition",
    "Distribution",
    "Ended",
    "Engine",
    "EngineId",
    "EngineKind",
    "Exit",
    "Frame",
    "Group",
    "Index",
    "IndexFile",
    "Inspected",
    "Inspection",
    "Libraries",
    "LibraryLayer",
    "Limits",
    "Lock",
    "Matrix",
    "Observation",
    "Outcome",
    "OutcomeKind",
    "Prepared",
    "Probe",
    "ProbeKind",
    "Question",
    "Raised",
    "Recipe",
    "Renderer",
    "Rule",
    "RunInfo",
    "SourceKind",
    "Sources",
    "Step",
    "StepKind",
    "Stored",
    "Strategy",
    "Task",
    "Verdict",
    "VerdictKind",
    "digest",
    "loading",
    "not_held",
    "public_index",
]
