package file

// clean is a path as files are called: without a slash in front or behind, without empty and "." parts, ".." taken back. The
// root is "".
func clean(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); {
		j := i
		for j < len(path) && path[j] != '/' {
			j++
		}
		switch part := path[i:j]; part {
		case "", ".":
		case "..":
			k := len(out)
			for k > 0 && out[k-1] != '/' {
				k--
			}
			out = out[:max(k-1, 0)]
		default:
			if len(out) > 0 {
				out = append(out, '/')
			}
			out = append(out, part...)
		}
		i = j + 1
	}
	return string(out)
}

// split is the folder and the last part of a clean path.
func split(path string) (folder, name string) {
	for i := len(path); i > 0; i-- {
		if path[i-1] == '/' {
			return path[:i-1], path[i:]
		}
	}
	return "", path
}
