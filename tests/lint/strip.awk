# strip.awk - C without comments and the text of literals, for the lints
#
# JOB     Prints each line of the given files as "file:line:code". Comments
#         become nothing, "text" becomes "", 'c' becomes ''.
# BOUNDS  A literal ends with its line; no trigraphs, no spliced comments.
# SPDX-License-Identifier: MIT

FNR == 1 {
	in_comment = 0
}

{
	code = ""
	quote = ""
	count = length($0)
	for (i = 1; i <= count; i++) {
		c = substr($0, i, 1)
		pair = substr($0, i, 2)
		if (in_comment) {
			if (pair == "*/") {
				in_comment = 0
				i++
			}
		} else if (quote != "") {
			if (c == "\\") {
				i++
			} else if (c == quote) {
				code = code c
				quote = ""
			}
		} else if (pair == "/*") {
			in_comment = 1
			i++
		} else if (pair == "//") {
			break
		} else {
			if (c == "\"" || c == "'")
				quote = c
			code = code c
		}
	}
	print FILENAME ":" FNR ":" code
}
