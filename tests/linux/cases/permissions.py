"""Who may do what: root, squashed root, and users with their groups."""

import errno
import os
import shutil
import stat

from guest import check
from guest.lab import Lab, as_user, get, put
from suite import case

NOBODY = 65534


@case(server="squash")
def root_is_squashed(lab: Lab):
    """Without --squash root is nobody here, and everybody else is himself."""
    lab.local.write("private", b"not for nobody", 0o600)
    lab.local.write("public", b"for all", 0o666)
    lab.local.mkdir("closed", 0o755)
    lab.work()
    check.fails(errno.EACCES, get, "private")
    check.equal(get("public"), b"for all", "a public file")
    put("ours", b"of nobody")
    os.mkdir("directory")
    for name in ("ours", "directory"):
        info = lab.local.stat(name)
        check.equal((info.st_uid, info.st_gid), (NOBODY, NOBODY), f"the owner of {name}")
    check.fails(errno.EPERM, os.chown, "ours", 0, 0)
    check.fails(errno.EPERM, os.chmod, "public", 0o600)
    check.fails(errno.EACCES, put, "closed/new", b"")
    check.fails(errno.EACCES, os.rename, "closed", "directory/closed")
    check.true(os.access("public", os.W_OK) and not os.access("private", os.R_OK), "access")

    def as_himself():
        put("users", b"")
        check.equal(os.stat("users").st_uid, 1000, "the owner of a user's file")
        check.fails(errno.EACCES, get, "private")

    as_user(1000, 1000, [], as_himself)
    check.equal(lab.local.stat("users").st_uid, 1000, "the owner on the server")


@case()
def root_is_root(lab: Lab):
    """With --squash none root reads, writes and gives away whatever it is."""
    lab.local.write("locked", b"secret", 0)
    lab.local.chown("locked", 1000, 1000)
    lab.local.mkdir("directory", 0o555)
    lab.local.chown("directory", 1000, 1000)
    lab.work()
    check.equal(get("locked"), b"secret", "a file of mode 0")
    put("locked", b"changed")
    put("directory/new", b"")
    check.equal(lab.local.stat("directory/new").st_uid, 0, "the owner of root's file")
    os.chown("directory/new", 1000, 1001)
    info = lab.local.stat("directory/new")
    check.equal((info.st_uid, info.st_gid), (1000, 1001), "given away")
    check.equal(lab.local.read("locked"), b"changed", "the locked file")
    check.true(os.access("locked", os.R_OK | os.W_OK), "root may read and write")
    check.true(not os.access("locked", os.X_OK), "root may not execute what nobody may")


@case()
def users_and_groups(lab: Lab):
    """Primary and supplementary groups, sticky and set-gid directories."""
    for name, group in (("primary", 1000), ("supplementary", 2001), ("foreign", 3000)):
        lab.local.write(name, b"for the group", 0o640)
        lab.local.chown(name, 0, group)
    directories = (("shared", 2000, 0o2770), ("sticky", 0, 0o1777), ("others", 3000, 0o770))
    for name, group, mode in directories:
        lab.local.mkdir(name, mode)
        lab.local.chown(name, 0, group)
        lab.local.chmod(name, mode)
    lab.local.write("sticky/of-root", b"")
    lab.local.chmod("sticky/of-root", 0o666)
    lab.work()

    def member():
        os.umask(0o022)
        check.equal(get("primary"), b"for the group", "through the primary group")
        check.equal(get("supplementary"), b"for the group", "through a supplementary group")
        check.fails(errno.EACCES, get, "foreign")
        check.fails(errno.EACCES, put, "supplementary", b"")
        put("shared/file", b"")
        os.mkdir("shared/directory")
        check.equal(os.stat("shared/file").st_gid, 2000, "the group of a set-gid directory")
        check.equal(os.stat("shared/directory").st_mode & 0o7777, 0o2755, "the bit is inherited")
        check.fails(errno.EACCES, put, "others/file", b"")
        check.fails(errno.EACCES, os.listdir, "others")
        check.fails(errno.EPERM, os.unlink, "sticky/of-root")
        check.fails(errno.EPERM, os.rename, "sticky/of-root", "sticky/renamed")
        put("sticky/of-mine", b"")
        os.unlink("sticky/of-mine")
        check.fails(errno.EPERM, os.chmod, "primary", 0o666)
        check.fails(errno.EPERM, os.chown, "shared/file", 1001, -1)
        check.fails(errno.EPERM, os.chown, "shared/file", -1, 3000)
        os.chown("shared/file", -1, 2001)
        check.fails(errno.EPERM, os.utime, "sticky/of-root", (1, 1))
        os.utime("sticky/of-root")
        check.fails(errno.EPERM, os.mknod, "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))

    as_user(1000, 1000, list(range(2000, 2014)), member)

    def stranger():
        check.fails(errno.EACCES, get, "primary")
        check.fails(errno.EACCES, get, "shared/file")

    as_user(1001, 1001, [], stranger)
    info = lab.local.stat("shared/file")
    check.equal((info.st_uid, info.st_gid), (1000, 2001), "the user's file on the server")


def _reads(name: str):
    def run():
        check.equal(get(name), b"for a group", name)

    return run


def _is_denied(name: str):
    def run():
        check.fails(errno.EACCES, get, name)

    return run


@case(server="groups")
def groups_of_the_server(lab: Lab):
    """With --manage-gids the server's list counts, however long, and not the client's."""
    for name, group in (("of the 20th", 5020), ("of a stranger", 6000)):
        lab.local.write(name, b"for a group", 0o640)
        lab.local.chown(name, 0, group)
    lab.work()
    as_user(4000, 4000, list(range(5001, 5025)), _reads("of the 20th"))
    as_user(4000, 4000, [6000], _reads("of the 20th"))
    as_user(4000, 4000, [6000], _is_denied("of a stranger"))
    # Whom the server does not know has the groups that the client says.
    as_user(4001, 4001, [6000], _reads("of a stranger"))
    as_user(4001, 4001, [6000], _is_denied("of the 20th"))


@case(server="squash")
def groups_of_the_call(lab: Lab):
    """Without --manage-gids a user has no more groups than a call has room for."""
    for group in (5016, 5020):
        lab.local.write(f"of {group}", b"for a group", 0o640)
        lab.local.chown(f"of {group}", 0, group)
    lab.work()
    as_user(4000, 4000, list(range(5001, 5025)), _reads("of 5016"))
    as_user(4000, 4000, list(range(5001, 5025)), _is_denied("of 5020"))


@case(server="mapped")
def mapped_ids(lab: Lab):
    """With --map-uid and --map-gid a client's users are others here, and see themselves as ever."""
    lab.local.chown("", 0, 200000)
    lab.local.write("of a local user", b"")
    lab.local.chown("of a local user", 1000, 70000)
    lab.local.write("private", b"for a group", 0o640)
    lab.local.chown("private", 0, 202000)
    path = lab.work()
    info = os.stat(path)
    check.equal((info.st_uid, info.st_gid), (0, 0), "the owner of the directory")
    info = os.stat("of a local user")
    check.equal((info.st_uid, info.st_gid), (NOBODY, 70000), "an owner who is none of the client's")
    put("of root", b"")
    os.chmod("of root", 0o600)
    put("given away", b"")
    os.chown("given away", 1000, 2000)
    os.chmod(path, 0o777)

    def user():
        put("of a user", b"")
        os.chmod("of a user", 0o640)
        check.fails(errno.EPERM, os.chmod, "of a local user", 0o666)
        check.equal(get("private"), b"for a group", "through a group")

    as_user(1000, 1000, [2000], user)
    as_user(70000, 1000, [2000], _owns_nothing)
    check.fails(errno.EINVAL, os.chown, "of root", 70000, -1)
    expected = {"of root": (0, 0), "given away": (1000, 2000), "of a user": (1000, 1000)}
    lab.forget()
    for entry in os.scandir("."):
        info = entry.stat()
        if entry.name in expected:
            there = lab.local.stat(entry.name)
            owner = expected[entry.name]
            check.equal((info.st_uid, info.st_gid), owner, f"the owner of {entry.name}")
            shifted = (owner[0] and 100000 + owner[0], 200000 + owner[1])
            check.equal((there.st_uid, there.st_gid), shifted, f"the owner of {entry.name} there")


def _owns_nothing():
    put("of a stranger", b"")
    check.equal(os.stat("of a stranger").st_uid, NOBODY, "the owner of a stranger's file")


@case()
def owner_of_an_open_file(lab: Lab):
    """Opened is opened: the owner goes on writing a file that is read-only from its creation on."""
    lab.work()

    def owner():
        file = os.open("read-only", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o444)
        os.write(file, b"written all the same")
        os.fsync(file)
        os.fchmod(file, 0)
        os.write(file, b", twice")
        os.fsync(file)
        check.equal(os.pread(file, 100, 0), b"written all the same, twice", "read back")
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        check.equal(os.pread(file, 100, 0), b"written all the same, twice", "read from the server")
        os.ftruncate(file, 7)
        os.close(file)
        check.fails(errno.EACCES, os.open, "read-only", os.O_RDONLY)
        check.fails(errno.EACCES, os.open, "read-only", os.O_WRONLY)
        os.chmod("read-only", 0o400)
        check.fails(errno.EACCES, os.open, "read-only", os.O_WRONLY)

    as_user(1000, 1000, [], owner)
    check.equal(lab.local.read("read-only"), b"written", "the file on the server")


@case()
def execute_only(lab: Lab):
    """What may be executed but not read is executed: the client must read it for that."""
    shutil.copy("/bin/true", "/run/true")
    lab.work()
    shutil.copy("/run/true", "program")
    os.chmod("program", 0o711)
    lab.forget()

    def run():
        check.fails(errno.EACCES, get, "program")
        child = os.fork()
        if child == 0:
            os.execv("./program", ["program"])
        check.equal(os.waitpid(child, 0)[1], 0, "the exit status of the program")

    as_user(1000, 1000, [], run)
    os.chmod("program", 0o644)
    check.fails(errno.EACCES, os.execv, "./program", ["program"])


def _expected(mode: int, user: int, groups: set[int], asked: int) -> bool:
    """The rule, for files of user 1000 and group 2000."""
    if user == 0:
        return not asked & os.X_OK or bool(mode & 0o111)
    shift = 6 if user == 1000 else 3 if 2000 in groups else 0
    return mode >> shift & asked == asked


@case()
def access(lab: Lab):
    """access(2) for each mode of owner, group and others, asked by each of them and by root."""
    modes = [bits << shift for bits in range(8) for shift in (0, 3, 6)] + [0o640, 0o751, 0o777]
    for mode in modes:
        lab.local.write(f"{mode:03o}", b"")
        lab.local.chown(f"{mode:03o}", 1000, 2000)
        lab.local.chmod(f"{mode:03o}", mode)
    lab.work()

    def asks(user: int, groups: list[int]):
        def run():
            for mode in modes:
                for asked in (os.R_OK, os.W_OK, os.X_OK, os.R_OK | os.W_OK):
                    expected = _expected(mode, user, set(groups), asked)
                    found = os.access(f"{mode:03o}", asked)
                    check.equal(found, expected, f"user {user} {groups} asks {asked} of {mode:03o}")

        return run

    for user, groups in ((0, []), (1000, [1000]), (1001, [1001, 2000]), (1002, [1002])):
        as_user(user, groups[0] if groups else 0, groups, asks(user, groups))


@case()
def exclusive(lab: Lab):
    """O_EXCL makes a file once, with the mode asked for and today's times."""
    lab.work()
    os.umask(0o022)
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
    file = os.open("file", flags, 0o4750)
    os.write(file, b"once")
    check.fails(errno.EEXIST, os.open, "file", flags)
    os.close(file)
    check.fails(errno.EEXIST, os.open, "file", flags)
    put("reference", b"")
    info, reference = lab.local.stat("file"), lab.local.stat("reference")
    check.equal(stat.S_IMODE(info.st_mode), 0o4750, "the mode asked for")
    for name in ("st_atime_ns", "st_mtime_ns"):
        apart = abs(getattr(info, name) - getattr(reference, name))
        check.true(apart < 60 * 10**9, f"{name} of an exclusively created file is {apart} ns off")
    check.equal(get("file"), b"once", "the content")
    lab.local.write("theirs", b"")
    check.fails(errno.EEXIST, os.open, "theirs", flags)
    os.symlink("nowhere", "dangling")
    check.fails(errno.EEXIST, os.open, "dangling", flags)

    def as_owner():
        os.close(os.open("users", flags, 0o400))
        check.fails(errno.EEXIST, os.open, "users", flags, 0o400)

    as_user(1000, 1000, [], as_owner)
    check.equal(stat.S_IMODE(lab.local.stat("users").st_mode), 0o400, "the mode a user asked for")
