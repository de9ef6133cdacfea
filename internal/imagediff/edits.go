package imagediff

import "slices"

// edit is an element of two lists: in both (' '), only in the first ('-'), or only in the second ('+').
type edit struct {
	sign  rune
	value string
}

// edits returns the shortest edits that turn one list into another.
func edits(a, b []string) []edit {
	// kept[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	kept := make([][]int, len(a)+1)
	for i := range kept {
		kept[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				kept[i][j] = kept[i+1][j+1] + 1
			} else {
				kept[i][j] = max(kept[i+1][j], kept[i][j+1])
			}
		}
	}
	var all []edit
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, edit{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && kept[i+1][j] >= kept[i][j+1]:
			all = append(all, edit{'-', a[i]})
			i++
		default:
			all = append(all, edit{'+', b[j]})
			j++
		}
	}
	return all
}
