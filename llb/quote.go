package llb

import (
	"regexp"
	"strings"
)

// plainWord matches words that no shell treats specially, neither as an argument nor as the value of a variable.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// shellQuote returns text as one word of a POSIX shell. The text may hold any byte but NUL, which no argument can hold. Every value in a
// script that is not a constant goes through it: values from a file, a flag or the base image. Plain words stay unquoted, so logs are easy
// to read.
func shellQuote(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// shellWords returns texts as words of a shell, separated by blanks.
func shellWords(texts []string) string {
	words := make([]string, len(texts))
	for i, text := range texts {
		words[i] = shellQuote(text)
	}
	return strings.Join(words, " ")
}

// writeFile returns a command that writes text to a file. The file's name is not quoted.
func writeFile(file, text string) string {
	return "printf %s " + shellQuote(text) + " > " + file + "\n"
}

// sedReplace returns a sed command that replaces every occurrence of text by another. Neither may span lines.
func sedReplace(text, by string) string {
	return "s|" + sedPattern.Replace(text) + "|" + sedReplacement.Replace(by) + "|g"
}

// The characters that sed treats specially, in a basic regular expression and in its replacement.
var (
	sedPattern     = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `*`, `\*`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `$`, `\$`, `|`, `\|`)
	sedReplacement = strings.NewReplacer(`\`, `\\`, `&`, `\&`, `|`, `\|`, "\n", "\\\n")
)
