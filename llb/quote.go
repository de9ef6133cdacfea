package llb

import (
	"regexp"
	"strings"
)

// plainWord is a word that means itself to every shell, wherever an argument or the value of a variable may stand.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// shellQuote gives a word of a POSIX shell that stands for exactly the bytes of a text, whatever they are but NUL, which no argument
// can hold. Every value that a script does not hold as a constant goes through it: one from a file, a flag or the base image.
// Plain words stay as they are, for those who read the log.
func shellQuote(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// shellWords gives a word for each text, with blanks between.
func shellWords(texts []string) string {
	words := make([]string, len(texts))
	for i, text := range texts {
		words[i] = shellQuote(text)
	}
	return strings.Join(words, " ")
}

// writeFile is a command that writes a text to a file that the script names.
func writeFile(file, text string) string {
	return "printf %s " + shellQuote(text) + " > " + file + "\n"
}

// sedReplace is a command of sed that replaces a text of one line by another wherever it stands.
func sedReplace(text, by string) string {
	return "s|" + sedPattern.Replace(text) + "|" + sedReplacement.Replace(by) + "|g"
}

// What sed takes for something else, in a basic regular expression and in what replaces it.
var (
	sedPattern     = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `*`, `\*`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `$`, `\$`, `|`, `\|`)
	sedReplacement = strings.NewReplacer(`\`, `\\`, `&`, `\&`, `|`, `\|`, "\n", "\\\n")
)
