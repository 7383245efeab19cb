# SPDX-License-Identifier: GPL-2.0
"""Compares C prototypes (seen through bindgen) with Rust definitions.

prototypes.py TOP OUT: TOP is the checkout, OUT the folder where kbuild has
compiled exports.c; its command line tells the kernel's include path.
"""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

# What a type is in the end, by the kernel crate's own ffi types for x86-64.
BASE = {
    "c_void": "void", "c_char": "u8", "c_schar": "i8", "c_uchar": "u8",
    "c_short": "i16", "c_ushort": "u16", "c_int": "i32", "c_uint": "u32",
    "c_long": "isize", "c_ulong": "usize", "c_longlong": "i64", "c_ulonglong": "u64",
    "__u8": "u8", "__s8": "i8", "__u16": "u16", "__s16": "i16",
    "__u32": "u32", "__s32": "i32", "__u64": "u64", "__s64": "i64",
}
PRIMITIVE = {"void", "bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "usize", "isize"}
FUNCTION = re.compile(
    r"(?:unsafe\s+)?(?:extern\s+\"C\"\s+)?fn\s+(\w+)\s*\(([^{;]*?)\)\s*(?:->\s*([^{;]+?))?\s*[;{]")
ALIAS = re.compile(r"\btype\s+(\w+)\s*=\s*([^;]+);")


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def compile_flags(out):
    """The flags of exports.c that a parser of its headers needs."""
    command = (out / ".exports.o.cmd").read_text().split(":=", 1)[1].split("\n", 1)[0]
    words, flags = shlex.split(command.split(";")[0]), []
    takes_value = {"-include", "-isystem", "-I", "-D"}
    for i, word in enumerate(words):
        if word in takes_value:
            flags += [word, words[i + 1]]
        elif word.startswith(("-I", "-D", "-nostdinc", "-std=", "-fshort-wchar", "-funsigned-char", "-m64", "-fms-ext")):
            flags.append(word)
    return flags + ["-D__BINDGEN__", "-Wno-everything"]


def c_functions(top, out):
    """(name -> signature, typedefs) of all functions declared in include/."""
    # What is for programs says so in its name.
    headers = sorted(h for h in (top / "include").rglob("*.h") if not h.stem.endswith("_user"))
    with tempfile.NamedTemporaryFile("w", suffix=".h") as all_headers:
        all_headers.write("".join(f'#include "{h}"\n' for h in headers))
        all_headers.flush()
        command = ["bindgen", all_headers.name, "--use-core", "--no-layout-tests", "--no-doc-comments",
                   "--allowlist-file", f"{re.escape(str(top))}/include/.*", "--blocklist-item", "__.*"]
        result = subprocess.run(command + ["--"] + compile_flags(out), cwd=out, text=True,
                                capture_output=True, check=False)
    if result.returncode:
        sys.exit("bindgen does not take the headers:\n" + result.stderr)
    text = result.stdout
    foreign = "".join(re.findall(r'extern "C" \{(.*?)\n\}', text, flags=re.S))
    # "static inline" functions never get here: bindgen leaves them out.
    return {m[0]: m[1:] for m in FUNCTION.findall(foreign)}, dict(ALIAS.findall(text))


def rust_functions(top):
    functions, aliases = {}, {}
    skip = {"build", "tests", "samples", "benches", "include", ".git"}
    for path in sorted(top.rglob("*.rs")):
        if path.relative_to(top).parts[0] in skip:
            continue
        text = without_comments(path.read_text())
        aliases.update(ALIAS.findall(text))
        for part in re.split(r"#\[no_mangle\]", text)[1:]:
            match = FUNCTION.search(part)
            if match:
                functions[match[1]] = (match[2], match[3] or "")
    return functions, aliases


def normal(name, aliases):
    """A type without paths, spaces and aliases."""
    name = re.sub(r"\s+", " ", name.strip().rstrip(","))
    name = re.sub(r"(?:::)?(?:\w+::)+", "", name)
    pointer = re.match(r"\*(mut|const) (.*)", name)
    if pointer:
        return f"*{pointer[1]} {normal(pointer[2], aliases)}"
    for _ in range(8):
        name = BASE.get(name, name)
        if name in PRIMITIVE or name not in aliases:
            break
        name = re.sub(r"(?:::)?(?:\w+::)+", "", aliases[name].strip())
    if name.startswith(("Option<", "unsafe extern", "extern")):
        name = re.sub(r"\w+: ", "", name.replace("unsafe ", ""))
        name = re.sub(r"\w+", lambda m: BASE.get(m[0], m[0]), name).replace(", )", ")").replace(",)", ")")
    return name


def split_arguments(text):
    """Argument types, in order; commas inside <> and () belong to one."""
    types, depth, word = [], 0, ""
    for char in text + ",":
        depth += char in "(<["
        depth -= char in ")]" or (char == ">" and not word.endswith("-"))
        if char == "," and depth == 0:
            if word.strip():
                types.append(word.split(":", 1)[1])
            word = ""
        else:
            word += char
    return types


def signature(function, aliases):
    arguments, result = function
    return ([normal(t, aliases) for t in split_arguments(arguments)],
            normal(result, aliases) if result.strip() else "()")


def same(c_type, rust_type):
    """Equal, or pointers to a structure that each side names in its way."""
    if c_type == rust_type:
        return True
    c, rust = (re.match(r"\*(mut|const) (.*)", t) for t in (c_type, rust_type))
    if not (c and rust) or c[1] != rust[1] or c[2] in PRIMITIVE - {"void"}:
        return False
    return rust[2] not in PRIMITIVE - {"void"}


def main():
    top, out = map(pathlib.Path, sys.argv[1:3])
    declared, c_aliases = c_functions(top, out)
    defined, rust_aliases = rust_functions(top)
    c_code = "".join(without_comments(p.read_text()) for p in sorted(top.glob("*.c")))
    exported = set(re.findall(r"EXPORT_SYMBOL_GPL\((\w+)\)", c_code))
    errors = []
    for name, function in sorted(declared.items()):
        if name not in exported:
            errors.append(f"{name}: declared in a public header, but not exported")
        if name not in defined:
            # In C its own compiler has compared it with the header.
            if not re.search(rf"\b{name}\([^;{{]*\)\s*\{{", c_code):
                errors.append(f"{name}: declared in a public header, but defined nowhere")
            continue
        c_arguments, c_result = signature(function, c_aliases)
        arguments, result = signature(defined[name], {**c_aliases, **rust_aliases})
        if len(c_arguments) != len(arguments):
            errors.append(f"{name}: {len(c_arguments)} arguments in C, {len(arguments)} in Rust")
            continue
        for number, pair in enumerate(zip(c_arguments, arguments), 1):
            if not same(*pair):
                errors.append(f"{name}: argument {number} is {pair[0]} in C, {pair[1]} in Rust")
        if not same(c_result, result):
            errors.append(f"{name}: returns {c_result} in C, {result} in Rust")
    for name in sorted(exported - set(declared)):
        errors.append(f"{name}: exported, but in no public header")
    if errors:
        print(*errors, sep="\n")
    print(f"{len(declared)} prototypes compared, {len(errors)} differ")
    sys.exit(bool(errors) or not declared)


main()
