"""CIM XML as a list of objects with file and line, and nothing of what XML could do beyond that [before 2].

Documents with a document type are refused before anything in them is expanded (entities are how a small file
becomes gigabytes, or reads other files). Knows no meaning of any class; that is `cgmes_checks.py`.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from grid_model.errors import Finding

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_VERSIONS = {
    "http://iec.ch/TC57/2013/CIM-schema-cim16#": "2.4.15",
    "http://iec.ch/TC57/CIM100#": "3.0",
}
_MOST_OBJECTS = 2_000_000
_DEEPEST = 20


@dataclass
class CimObject:
    """One object of one file: a definition, or what another profile adds to it."""

    cim_class: str
    rdf_id: str
    """Without the `#` of a reference."""
    defines: bool
    file: str
    line: int
    values: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    """Field and the id referred to; only references to objects."""

    @property
    def name(self) -> str:
        """Class and name, as its user would look for it."""
        return f"{self.cim_class} {self.values.get('name') or self.rdf_id!r}"


@dataclass
class CimFile:
    """One file: which version and profiles it says it is of, and its objects."""

    name: str
    version: str | None = None
    namespaces: set[str] = field(default_factory=set)
    profiles: list[str] = field(default_factory=list)
    objects: list[CimObject] = field(default_factory=list)


def scan(name: str, content: bytes) -> CimFile | Finding:
    """One file as objects, or what is wrong with its XML."""
    reader = _Reader(name)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        return _fault(
            name, f"is no XML ({expat.errors.messages[error.code]})", error.lineno, "export it again"
        )
    except _Refused as refused:
        return _fault(
            name, str(refused), reader.parser.CurrentLineNumber, "export it again, as plain CIM XML"
        )
    except (LookupError, ValueError) as error:
        return _fault(name, f"is no XML ({error})", 1, "export it again")
    return reader.file


def _fault(name: str, expected: str, line: int, repair: str) -> Finding:
    subject = f"{name} line {line}"
    return Finding("error", subject, expected, file=name, row=str(line), repair=repair)


class _Refused(Exception):
    """XML that no CIM file needs."""


class _Reader:
    """Handlers for one file: objects are the children of the root, fields are theirs."""

    def __init__(self, name: str) -> None:
        self.file = CimFile(name)
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartNamespaceDeclHandler = self._namespace
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.buffer_text = True
        self._depth = 0
        self._object: CimObject | None = None
        self._field = ""
        self._text: list[str] = []

    def _doctype(self, *_: object) -> None:
        raise _Refused("has a document type or entities, which CIM XML has not")

    def _namespace(self, _: str | None, namespace: str) -> None:
        """As it is declared, not as it is used: the profile of a network without drawings has no objects."""
        if namespace in _VERSIONS:
            self.file.version = self.file.version or _VERSIONS[namespace]
        if "CIM" in namespace:
            self.file.namespaces.add(namespace)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Refused("is nested too deeply for CIM XML")
        namespace, _, local = tag.rpartition(" ")
        if self._depth == 1 and (namespace, local) != (_RDF, "RDF"):
            raise _Refused(f"begins with <{local}>; expected <rdf:RDF>")
        if self._depth == 2:
            self._begin(local, attributes)
        elif self._depth == 3 and self._object is not None:
            self._field, self._text = local.rpartition(".")[2], []
            target = attributes.get(f"{_RDF} resource")
            if target is not None and target.startswith("#"):
                self._object.references[self._field] = target[1:]

    def _begin(self, local: str, attributes: dict[str, str]) -> None:
        defined, about = attributes.get(f"{_RDF} ID"), attributes.get(f"{_RDF} about", "")
        if len(self.file.objects) >= _MOST_OBJECTS:
            raise _Refused(f"has more than {_MOST_OBJECTS} objects; expected one network")
        line = self.parser.CurrentLineNumber
        rdf_id = about.removeprefix("#") if defined is None else defined
        self._object = CimObject(local, rdf_id, defined is not None, self.file.name, line)
        self.file.objects.append(self._object)

    def _characters(self, text: str) -> None:
        if self._depth == 3:
            self._text.append(text)

    def _end(self, _: str) -> None:
        if self._depth == 3 and self._object is not None:
            text = "".join(self._text).strip()
            if text and self._object.cim_class == "FullModel" and self._field == "profile":
                self.file.profiles.append(text)
            elif text:
                self._object.values[self._field] = text
        self._depth -= 1
