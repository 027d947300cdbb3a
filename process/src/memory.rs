//! How much memory the process may use: that of the machine, or less where a control group (a container, a systemd unit) says so.

use std::fs;
use std::path::Path;

/// Where the system says nothing, as outside Linux: a small machine of today.
const UNKNOWN: u64 = 4 << 30;

/// The memory that this process may use, in bytes: that of the machine, or the limit of its control group or of one around it,
/// whichever is least. 4 GiB where the system does not tell.
///
/// Reads a few small files: ask once.
pub fn limit() -> u64 {
    limit_of(Path::new("/"))
}

/// As the files under `root` say.
fn limit_of(root: &Path) -> u64 {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let groups = groups.lines().filter_map(|line| group_limit(root, line));
    let machine = fs::read_to_string(root.join("proc/meminfo")).ok();
    let machine = machine.and_then(|meminfo| total(&meminfo));
    groups.chain(machine).min().unwrap_or(UNKNOWN)
}

/// `MemTotal` of `/proc/meminfo`, which is in KiB.
fn total(meminfo: &str) -> Option<u64> {
    let value = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// The least limit of a control group and those around it. `line` is one of `/proc/self/cgroup`: an id, the controllers, the
/// path of the group, with `:` between. Version 2 has one line, without controllers, and version 1 a line and a tree of files
/// for each controller.
///
/// In a container the path may be that on the host, whose files cannot be seen; those of the container's own group then stand at
/// the top. So folders that are missing are passed over.
fn group_limit(root: &Path, line: &str) -> Option<u64> {
    let (_id, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let (tree, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return None,
    };
    // A group without a limit has `max` in version 2, which is no number, and a very large one in version 1.
    let limit = |group: &Path| fs::read_to_string(root.join(tree).join(group).join(file)).ok()?.trim().parse().ok();
    Path::new(path.trim_start_matches('/')).ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       2097152 kB\nMemFree:          100 kB\n";

    /// The limit on a machine of 2 GiB with these files.
    fn limit(files: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().expect("a temporary folder");
        for (path, content) in files.iter().chain(&[("proc/meminfo", MEMINFO)]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("not the top")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        limit_of(root.path())
    }

    #[test]
    fn without_a_control_group_the_machines_memory_is_the_limit() {
        assert_eq!(limit(&[]), 2 << 30);
        let unlimited = [("proc/self/cgroup", "0::/unit\n"), ("sys/fs/cgroup/unit/memory.max", "max\n")];
        assert_eq!(limit(&unlimited), 2 << 30);
        let unlimited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit(&[("proc/self/cgroup", "4:memory:/\n"), unlimited]), 2 << 30);
    }

    #[test]
    fn the_least_limit_of_the_control_groups_around_the_process_counts() {
        for least in ["", "/slice", "/slice/unit"] {
            let mut files = vec![("proc/self/cgroup".to_owned(), "0::/slice/unit\n".to_owned())];
            for group in ["", "/slice", "/slice/unit"] {
                let limit = if group == least { "1000\n" } else { "2000\n" };
                files.push((format!("sys/fs/cgroup{group}/memory.max"), limit.to_owned()));
            }
            let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
            assert_eq!(limit(&files), 1000, "{least:?}");
        }
    }

    #[test]
    fn version_1_has_a_tree_for_the_controller() {
        let groups = "9:name=systemd:/a\n7:cpu:/b\n4:blkio,memory:/c\n0::/\n";
        let files = [
            ("proc/self/cgroup", groups),
            ("sys/fs/cgroup/memory/b/memory.limit_in_bytes", "1000"),
            ("sys/fs/cgroup/memory/c/memory.limit_in_bytes", "1500"),
        ];
        assert_eq!(limit(&files), 1500);
    }

    #[test]
    fn a_path_of_the_host_leads_to_the_limit_of_the_container() {
        let files = [("proc/self/cgroup", "0::/docker/0123\n"), ("sys/fs/cgroup/memory.max", "1000\n")];
        assert_eq!(limit(&files), 1000);
    }

    #[test]
    fn this_machine_says_how_much_it_has() {
        assert!(super::limit() > 64 << 20, "no machine that builds this has less than 64 MiB");
    }
}
