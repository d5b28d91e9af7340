package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sshFiles are the files that ssh's configuration includes (ssh_config(5)). ssh
// reads them only if they are root's or its user's, and root's are nobody's inside
// where the command is not root: it gets copies of its own.
func sshFiles() (files []string) {
	if os.Getuid() == 0 {
		return nil
	}
	const dir, most = "/etc/ssh", 64
	for all := []string{filepath.Join(dir, "ssh_config")}; len(all) > 0 && len(files) < most; all = all[1:] {
		for _, path := range included(dir, all[0]) {
			path, err := filepath.EvalSymlinks(path)
			if err == nil && !slices.Contains(files, path) && isFile(path) {
				files, all = append(files, path), append(all, path)
			}
		}
	}
	return files
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() <= 64<<10
}

// included are the files that one of ssh's includes.
func included(dir, path string) (files []string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.ReplaceAll(line, `"`, ""))
		if len(fields) == 0 || !strings.EqualFold(fields[0], "include") {
			continue
		}
		for _, pattern := range fields[1:] {
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(dir, pattern)
			}
			if found, err := filepath.Glob(pattern); err == nil {
				files = append(files, found...)
			}
		}
	}
	return files
}
