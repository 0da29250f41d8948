"""A disk that forgets: of what was written, what a power cut leaves.

As in the studies of crash consistency (ALICE, CrashMonkey): the content of a file is there for certain after an fsync
of the file, a name in a folder after an fsync of the folder, and of everything else any part may have come to the disk
or not. A rename is one step. What was on the disk before is there.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import system_calls


class File:
    """A file.

    Attributes:
        live: what processes read of it.
        durable: what was there at the last fsync.
        pending: what was done since.
    """

    def __init__(self, content=b""):
        self.live = bytearray(content)
        self.durable = bytes(content)
        self.pending = []

    def write(self, step, offset, data):
        self._do(Write(step, offset, data))

    def truncate(self, step, size):
        self._do(Truncation(step, size))

    def _do(self, change):
        change.apply(self.live)
        self.pending.append(change)

    def sync(self):
        self.durable = bytes(self.live)
        self.pending.clear()

    def after(self, survives):
        content = bytearray(self.durable)
        for change in self.pending:
            if (how := survives(change)) is not None:
                change.apply(content, how)
        return bytes(content)


@dataclass(frozen=True)
class Write:
    step: int
    offset: int
    data: bytes

    def apply(self, content, how=bytes):
        end = self.offset + len(self.data)
        content.extend(bytes(max(0, end - len(content))))
        content[self.offset : end] = how(self.data)


@dataclass(frozen=True)
class Truncation:
    step: int
    size: int

    def apply(self, content, _=None):
        content.extend(bytes(max(0, self.size - len(content))))
        del content[self.size :]


class Folder:
    """A folder: what its names mean to processes, and what they mean for certain after a power cut."""

    def __init__(self):
        self.live = {}
        self.durable = {}


@dataclass(frozen=True)
class Naming:
    """What one call makes of names: of each folder and name, what it means from then on, None: nothing.

    It is durable after an fsync of the folder `into`.
    """

    step: int
    into: Folder
    changes: tuple[tuple[Folder, str, object], ...]

    def without(self, later):
        """Give what is left of it where later calls that are durable made something else of the same names."""
        outdone = {(id(folder), name) for one in later if one.step > self.step for folder, name, _ in one.changes}
        changes = (change for change in self.changes if (id(change[0]), change[1]) not in outdone)
        return Naming(self.step, self.into, tuple(changes))


@dataclass
class Opened:
    file: object
    offset: int = 0
    appends: bool = False


@dataclass
class Disk:
    """The part of a disk below a folder, to which recorded calls are applied one by one."""

    root: Path
    top: Folder = field(default_factory=Folder)
    step: int = 0
    opened: dict[int, Opened] = field(default_factory=dict)
    namings: list[Naming] = field(default_factory=list)

    def __post_init__(self):
        self._load(self.root, self.top)

    def _load(self, path, folder):
        for entry in path.iterdir():
            node = Folder() if entry.is_dir() else File(entry.read_bytes())
            if entry.is_dir():
                self._load(entry, node)
            folder.live[entry.name] = folder.durable[entry.name] = node

    # What processes see.

    def _where(self, path):
        """Give the folder that a path lies in, and its name there; None: not on this disk."""
        path = os.path.normpath(self.root / path)
        if path == str(self.root):
            return None
        if not path.startswith(f"{self.root}/"):
            return None
        *above, name = path.removeprefix(f"{self.root}/").split("/")
        folder = self.top
        for part in above:
            folder = folder.live[part]
        return folder, name

    def _node(self, path):
        if os.path.normpath(self.root / path) == str(self.root):
            return self.top
        place = self._where(path)
        return None if place is None else place[0].live.get(place[1])

    def _name(self, *changes):
        naming = Naming(self.step, changes[-1][0][0], tuple((folder, name, node) for (folder, name), node in changes))
        self.namings.append(naming)
        for folder, name, node in naming.changes:
            if node is None:
                folder.live.pop(name, None)
            else:
                folder.live[name] = node

    def sync(self, node):
        """Make durable what a file holds, or what the names of a folder mean."""
        if isinstance(node, File):
            node.sync()
            return
        done = [naming for naming in self.namings if naming.into is node]
        for naming in done:
            for folder, name, meant in naming.changes:
                _put(folder.durable, name, meant)
        # What was made of a name before is outdone, also in the folder that it left.
        left = (naming.without(done) for naming in self.namings if naming.into is not node)
        self.namings = [naming for naming in left if naming.changes]

    # What a cut leaves.

    def after_cut(self, survives):
        """Give the paths of all folders and files, with the files' content, that a power cut at this moment leaves.

        Args:
            survives: given a change that is not durable, tells how what it wrote is there; None: it is not.
        """
        names = {}
        for naming in self.namings:
            if survives(naming) is not None:
                for folder, name, meant in naming.changes:
                    names.setdefault(id(folder), []).append((name, meant))
        found = {}
        self._collect("", self.top, names, survives, found)
        return found

    def _collect(self, path, folder, names, survives, found):
        entries = dict(folder.durable)
        for name, meant in names.get(id(folder), ()):
            _put(entries, name, meant)
        for name, node in entries.items():
            below = f"{path}{name}"
            if isinstance(node, Folder):
                found[f"{below}/"] = None
                self._collect(f"{below}/", node, names, survives, found)
            else:
                found[below] = node.after(survives)

    # What the calls do.

    def apply(self, call):
        """Do what a call did; tell whether it could make a difference."""
        self.step += 1
        handler: Callable[..., object] | None = getattr(self, f"_{call.name}", None)
        assert handler is not None, f"{call.name} is not understood"
        return handler(call.result, *call.arguments) is not False

    def _openat(self, result, at, path, flags, *_):
        self.opened.pop(result, None)
        path = _joined(at, path)
        place = self._where(path)
        if place is None:
            return False
        folder, name = place
        node = folder.live.get(name)
        if node is None:
            assert "O_CREAT" in flags, path
            node = File()
            self._name((place, node))
        elif "O_TRUNC" in flags:
            node.truncate(self.step, 0)
        self.opened[result] = Opened(node, appends="O_APPEND" in flags)
        return None if "O_CREAT" in flags or "O_TRUNC" in flags else False

    def _open(self, result, path, flags, *_):
        return self._openat(result, "AT_FDCWD", path, flags)

    def _creat(self, result, path, *_):
        return self._openat(result, "AT_FDCWD", path, "O_WRONLY|O_CREAT|O_TRUNC")

    def _dup(self, result, old, *_):
        self.opened.pop(result, None)
        if (found := self._handle(old)) is not None:
            self.opened[result] = found
        return False

    _dup2 = _dup3 = _dup

    def _handle(self, argument):
        """Give an open file; numbers that were closed meanwhile, and now mean another disk's file, are told apart."""
        fd, path = system_calls.opened(argument)
        handle = self.opened.get(fd)
        return handle if handle is not None and (path is None or path.startswith(f"{self.root}/")) else None

    def _read(self, result, descriptor, *_):
        handle = self.opened.get(int(descriptor, 0))
        if handle is not None:
            handle.offset += result
        return False

    def _lseek(self, result, descriptor, *_):
        handle = self.opened.get(int(descriptor, 0))
        if handle is not None:
            handle.offset = result
        return False

    def _write(self, result, descriptor, data, *_):
        return self._put(descriptor, system_calls.text(data)[:result])

    def _writev(self, result, descriptor, *rest):
        return self._put(descriptor, system_calls.vector(rest)[:result])

    def _put(self, descriptor, data):
        handle = self._handle(descriptor)
        if handle is None:
            return False
        if handle.appends:
            handle.offset = len(handle.file.live)
        handle.file.write(self.step, handle.offset, data)
        handle.offset += len(data)
        return None

    def _pwrite64(self, result, descriptor, data, _, offset):
        handle = self._handle(descriptor)
        if handle is None:
            return False
        handle.file.write(self.step, system_calls.number(offset), system_calls.text(data)[:result])
        return None

    def _sendfile(self, result, target, source, offset, _):
        return self._copied(result, target, source, offset)

    def _copy_file_range(self, result, source, offset, target, *_):
        return self._copied(result, target, source, offset)

    def _copied(self, result, target, source, offset):
        assert self._handle(target) is None or (self._handle(source) is not None and offset == "NULL")
        if self._handle(target) is None:
            return False
        read = self._handle(source)
        data = bytes(read.file.live[read.offset : read.offset + result])
        read.offset += result
        return self._put(target, data)

    def _ftruncate(self, _, descriptor, size):
        if (handle := self._handle(descriptor)) is None:
            return False
        handle.file.truncate(self.step, system_calls.number(size))
        return None

    def _fsync(self, _, descriptor):
        handle = self._handle(descriptor)
        _, path = system_calls.opened(descriptor)
        node = handle.file if handle is not None else path and self._node(path)
        if not node:
            return False
        self.sync(node)
        return None

    _fdatasync = _fsync

    def _renameat(self, _, old_at, old, new_at, new, *_flags):
        source, target = self._where(_joined(old_at, old)), self._where(_joined(new_at, new))
        if source is None or target is None:
            assert source is target, "a name leaves the disk, or comes to it"
            return False
        node = source[0].live[source[1]]
        self._name((source, None), (target, node))
        return None

    _renameat2 = _renameat

    def _rename(self, result, old, new):
        return self._renameat(result, "AT_FDCWD", old, "AT_FDCWD", new)

    def _linkat(self, _, old_at, old, new_at, new, *_flags):
        target = self._where(_joined(new_at, new))
        if target is None:
            return False
        node = self._node(_joined(old_at, old))
        assert node is not None, "a name comes to the disk"
        self._name((target, node))
        return None

    def _link(self, result, old, new):
        return self._linkat(result, "AT_FDCWD", old, "AT_FDCWD", new)

    def _unlinkat(self, _, at, path, *_flags):
        if (place := self._where(_joined(at, path))) is None:
            return False
        self._name((place, None))
        return None

    def _unlink(self, result, path):
        return self._unlinkat(result, "AT_FDCWD", path)

    _rmdir = _unlink

    def _mkdirat(self, _, at, path, *_mode):
        if (place := self._where(_joined(at, path))) is None:
            return False
        self._name((place, Folder()))
        return None

    def _mkdir(self, result, path, *_mode):
        return self._mkdirat(result, "AT_FDCWD", path)


def _put(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _joined(at, path):
    _, folder = system_calls.opened(at) if at != "AT_FDCWD" else (-1, None)
    path = system_calls.text(path).decode()
    return path if folder is None else f"{folder}/{path}" if not path.startswith("/") else path
