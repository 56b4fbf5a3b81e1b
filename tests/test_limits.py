"""What control groups leave of a machine, read from trees of files such as the kernel makes."""

import pytest

from bench import devices, limits
from bench.doctor.limits import check_limits
from bench.limits import Room, cpu_quota, memory, processors, tasks

GIB = 2**30
TWO = "29 23 0:26 {top} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
ONE = "33 31 0:30 {top} /sys/fs/cgroup/{at} rw,relatime shared:9 - cgroup cgroup rw,{controllers}"
NO_LIMIT_1 = "9223372036854771712"


@pytest.fixture
def machine(tmp_path):
    """Make a machine of mounts, groups and files; return its root."""

    def make(mounts, groups, files):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + "\n".join(mounts))
        (tmp_path / "proc/self/cgroup").write_text("\n".join(groups) + "\n")
        for name, text in files.items():
            path = tmp_path / "sys/fs/cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return tmp_path

    return make


def one(at, controllers=None, top="/"):
    return ONE.format(at=at, controllers=controllers or at, top=top)


def test_version_2_takes_the_least_of_a_group_and_all_above_it(machine):
    root = machine(
        [TWO.format(top="/")],
        ["0::/user.slice/job"],
        {
            "cpu.stat": "",
            "user.slice/cpu.max": "150000 100000",
            "user.slice/job/cpu.max": "max 100000",
            "user.slice/memory.max": str(8 * GIB),
            "user.slice/memory.current": str(7 * GIB),
            "user.slice/memory.stat": f"anon 5\ninactive_file {GIB}",
            "user.slice/job/memory.max": str(4 * GIB),
            "user.slice/job/memory.high": "max",
            "user.slice/job/memory.current": str(GIB),
            "user.slice/job/pids.max": "100",
            "user.slice/job/pids.current": "30",
            "user.slice/pids.max": "max",
        },
    )
    assert cpu_quota(root) == 1.5
    assert memory(root) == Room(8 * GIB, 2 * GIB)
    assert tasks(root) == Room(100, 70)
    assert processors(4, root) == 1


def test_memory_above_which_a_group_is_slowed_down_counts_as_its_limit(machine):
    files = {"job/memory.max": "max", "job/memory.high": str(2 * GIB), "job/memory.current": "0"}
    root = machine([TWO.format(top="/")], ["0::/job"], files)
    assert memory(root) == Room(2 * GIB, 2 * GIB)


def test_version_1_has_a_hierarchy_a_controller(machine):
    root = machine(
        [one("memory"), one("cpu,cpuacct"), one("pids")],
        ["4:memory:/a/b", "3:cpu,cpuacct:/a", "2:pids:/", "1:name=systemd:/a"],
        {
            "memory/memory.limit_in_bytes": NO_LIMIT_1,
            "memory/a/memory.limit_in_bytes": str(2 * GIB),
            "memory/a/memory.usage_in_bytes": str(GIB),
            "memory/a/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 2}",
            "memory/a/b/memory.limit_in_bytes": NO_LIMIT_1,
            "cpu,cpuacct/a/cpu.cfs_quota_us": "50000",
            "cpu,cpuacct/a/cpu.cfs_period_us": "100000",
            "cpu,cpuacct/cpu.cfs_quota_us": "-1",
            "cpu,cpuacct/cpu.cfs_period_us": "100000",
        },
    )
    assert cpu_quota(root) == 0.5
    assert memory(root) == Room(2 * GIB, GIB + GIB // 2)
    assert tasks(root) is None
    assert processors(4, root) == 1


def test_both_versions_at_once(machine):
    """Memory in version 1, processors in version 2."""
    unified = TWO.format(top="/").replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ")
    root = machine(
        [one("memory"), unified],
        ["4:memory:/job", "0::/job"],
        {"memory/job/memory.limit_in_bytes": str(GIB), "unified/job/cpu.max": "300000 100000"},
    )
    assert memory(root) == Room(GIB, GIB)
    assert cpu_quota(root) == 3
    assert processors(2, root) == 2
    assert processors(8, root) == 3


@pytest.mark.parametrize(
    ("top", "group"),
    [
        ("/", "/"),  # a namespace of its own
        ("/docker/abc", "/docker/abc"),  # version 1: the group's own folder is mounted
        ("/", "/docker/abc"),  # the group is named as outside, where it cannot be seen
        ("/docker/abc", "/"),
        ("/", "/../../other"),  # outside the namespace's top
        ("/docker/ab", "/docker/abc"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_in_a_container_what_is_mounted_is_the_group(machine, version, top, group):
    if version == 1:
        root = machine([one("memory", top=top)], [f"4:memory:{group}"], {"memory/memory.limit_in_bytes": str(GIB)})
    else:
        root = machine([TWO.format(top=top)], [f"0::{group}"], {"memory.max": str(GIB)})
    assert memory(root) == Room(GIB, GIB)


@pytest.mark.parametrize("text", ["", "max", "max 100000", "100000", "-1 100000", "0 100000", "x y", "100000 0"])
def test_a_quota_that_is_none(machine, text):
    assert cpu_quota(machine([TWO.format(top="/")], ["0::/"], {"cpu.max": text})) is None


def test_a_system_without_groups_limits_nothing(tmp_path):
    assert cpu_quota(tmp_path) is memory(tmp_path) is tasks(tmp_path) is None
    assert processors(3, tmp_path) == 3


def test_a_mount_with_a_blank_in_its_path(machine, tmp_path):
    root = machine([TWO.format(top="/").replace("/sys/fs/cgroup", r"/my\040groups")], ["0::/"], {})
    (root / "my groups").mkdir()
    (root / "my groups/memory.max").write_text(str(GIB))
    assert memory(root) == Room(GIB, GIB)


@pytest.mark.parametrize(
    ("free_gb", "room", "quota", "workers"),
    [
        (100, None, None, 8),
        (100, Room(2 * GIB, 2 * GIB), None, 1),
        (100, Room(8 * GIB, 6 * 10**9), None, 4),
        (6, Room(80 * GIB, 60 * GIB), None, 4),
        (100, None, 0.5, 1),
        (100, None, 2.9, 2),
        (0.1, Room(1, 0), 0.01, 1),
    ],
)
def test_there_are_as_many_workers_as_the_quota_and_the_memory_allow(free_gb, room, quota, workers, monkeypatch):
    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: type("Memory", (), {"available": free_gb * 1e9}))
    monkeypatch.setattr(limits, "memory", lambda: room)
    monkeypatch.setattr(limits, "cpu_quota", lambda root: quota)
    assert devices.default_workers(8) == workers


def plenty(name):
    return None


def lines(root, cores=2, own=plenty, free=100 * GIB):
    return {c.name: (c.status, c.found) for c in check_limits(cores, root, own, lambda: free)}


@pytest.fixture
def all_cores(monkeypatch):
    monkeypatch.setattr("bench.doctor.limits.os.cpu_count", lambda: 2)
    monkeypatch.setattr("bench.doctor.limits._shared", lambda root: None)


def test_the_doctor_says_nothing_of_limits_that_cost_nothing(machine, all_cores):
    files = {"memory.max": str(50 * GIB), "cpu.max": "200000 100000", "pids.max": "1000"}
    assert lines(machine([TWO.format(top="/")], ["0::/"], files)) == {}


def test_the_doctor_says_what_each_limit_costs(machine, all_cores, monkeypatch):
    monkeypatch.setattr("bench.doctor.limits.os.geteuid", lambda: 1000, raising=False)
    files = {"memory.max": str(2 * GIB), "cpu.max": "50000 100000", "pids.max": "60", "pids.current": "20"}
    own = {"AS": 2 * GIB, "NOFILE": 64, "NPROC": 50}
    assert lines(machine([TWO.format(top="/")], ["0::/"], files), own=own.get, free=30 * GIB) == {
        "CPU quota": ("warn", "the time of 0.5 of 2 cores: 1 worker at once, often waiting: timings will be marked "
                              "contended"),
        "tasks": ("warn", "40 of 60 processes and threads that a control group gives are left: workers may not start"),
        "ulimit -v": ("warn", "2 GiB of addresses a process: a backend may not start: it takes about 3"),
        "ulimit -n": ("warn", "64 open files: workers or MLflow may not start"),
        "ulimit -u": ("warn", "50 processes and threads of this user: workers may not start"),
    }  # fmt: skip


def test_the_doctor_says_where_memory_holds_fewer_workers_than_there_are_cores(machine, all_cores):
    root = machine([TWO.format(top="/")], ["0::/"], {"memory.max": str(2 * GIB), "memory.current": "0"})
    assert lines(root) == {
        "memory": ("warn", "2.0 GiB free of the 2.0 GiB that a control group gives: 1 worker of 1 GB at once")
    }
    (root / "sys/fs/cgroup/memory.max").write_text(str(GIB // 2))
    assert lines(root)["memory"][1].endswith("1 worker of 1 GB at once; it may be killed for want of memory")
    (root / "sys/fs/cgroup/memory.max").write_text("max")
    assert lines(root, free=2 * GIB) == {"memory": ("warn", "2.0 GiB free: 1 worker of 1 GB at once")}


def test_the_doctor_says_how_many_cores_may_be_used_and_what_little_shared_memory_costs(machine, monkeypatch):
    monkeypatch.setattr("bench.doctor.limits.os.cpu_count", lambda: 64)
    root = machine([], [], {})
    assert lines(root) == {
        "cores": ("ok", "2 of this machine's 64 may be used: a worker each, on no other core"),
        "/dev/shm": ("warn", "0 MiB free: plug-ins whose processes share arrays may fail; the bench's own do not share "
                             "any"),
    }  # fmt: skip


def test_a_limit_of_the_process_itself_is_read():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1000) - 1, hard))
    try:
        assert limits.own("NOFILE") == min(soft, 1000) - 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert limits.own("NO_SUCH") is None
