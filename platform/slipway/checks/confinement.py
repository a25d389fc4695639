"""The walls of the examiner's container: what it may use, and which system calls its processes may make.

Everything that is not named here is refused. The container has no network, no capability beyond giving a check a user
of its own and ending it, and nothing that it could write to.
"""

from __future__ import annotations

import json
from typing import Any

IMAGE = "slipway/examiner:current"

_MEMORY = 768 * 2**20
_PIDS = 256

# What CPython needs to start, fork, read pipes and compute. Absent on purpose, among others: socket and connect (pipes
# and a socketpair do), ptrace, process_vm_readv, mount, unshare, setns, clone3 (its flags cannot be looked at), keyctl,
# bpf, perf_event_open, io_uring_*, userfaultfd.
_SYSCALLS = (
    *("access", "arch_prctl", "brk", "capget", "capset", "chdir", "clock_getres", "clock_gettime", "clock_nanosleep"),
    *("close", "close_range", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old"),
    *("epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "execve", "exit", "exit_group", "faccessat"),
    *("faccessat2", "fadvise64", "fchdir", "fcntl", "fork", "fstat", "fstatfs", "futex", "futex_waitv", "getcwd"),
    *("getdents", "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid"),
    *(
        "getpriority",
        "getrandom",
        "getresgid",
        "getresuid",
        "getrlimit",
        "getrusage",
        "getsid",
        "gettid",
        "gettimeofday",
    ),
    *("getuid", "ioctl", "kill", "lseek", "lstat", "madvise", "membarrier", "mmap", "mprotect", "mremap", "munmap"),
    *("nanosleep", "newfstatat", "open", "openat", "openat2", "pause", "pipe", "pipe2", "poll", "ppoll", "prctl"),
    *("pread64", "preadv", "prlimit64", "pselect6", "read", "readlink", "readlinkat", "readv", "recvfrom", "recvmsg"),
    *("restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn"),
    *("rt_sigsuspend", "rt_sigtimedwait", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_yield"),
    *("select", "sendmsg", "sendto", "set_robust_list", "set_tid_address", "setgid", "setgroups", "setpgid"),
    *("setresgid", "setresuid", "setrlimit", "setsid", "setuid", "shutdown", "sigaltstack", "socketpair", "stat"),
    *("statfs", "statx", "sysinfo", "tgkill", "time", "times", "umask", "uname", "vfork", "wait4", "waitid", "write"),
    *("writev",),
)
_NAMESPACE_FLAGS = 0x7E020000  # every CLONE_NEW…
_EPERM, _ENOSYS = 1, 38


def seccomp_profile() -> str:
    """The profile as the engine's API takes it."""
    allow = "SCMP_ACT_ALLOW"
    profile: dict[str, Any] = {  # Any: the engine's own format
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _EPERM,
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
        ],
        "syscalls": [
            {"names": sorted(_SYSCALLS), "action": allow},
            {
                "names": ["clone"],
                "action": allow,
                "args": [{"index": 0, "value": _NAMESPACE_FLAGS, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}],
            },
            # "No such call" makes the C library fall back to clone; "not permitted" would not.
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
        ],
    }
    return json.dumps(profile, sort_keys=True)


def container_options() -> dict[str, Any]:
    """Keywords for the SDK's `create_host_config`."""
    return {
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges", f"seccomp={seccomp_profile()}"],
        "mem_limit": _MEMORY,
        "memswap_limit": _MEMORY,
        "nano_cpus": 10**9,
        "pids_limit": _PIDS,
        "ipc_mode": "none",
    }
