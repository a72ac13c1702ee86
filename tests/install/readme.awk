# Writes the README's programs and commands into `directory`, as a reader would copy them: the block
# behind "<!-- file: NAME -->" as NAME, the one behind "<!-- commands: NAME -->" as NAME.sh.
/^<!-- file: .* -->$/ { file = directory "/" $3; next }
/^<!-- commands: .* -->$/ { file = directory "/" $3 ".sh"; next }
file != "" && /^```/ { if (inside) { close (file); file = "" } inside = !inside; next }
file != "" && inside { print > file }
