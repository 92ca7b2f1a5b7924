/**
 * The script that a JupyterLab space runs at each start, as its user. It hands an environment to
 * terminals and to Python kernels, and may run any number of times.
 *
 * Studio starts neither of them from a shell that could have read it: terminals are interactive shells
 * that are not login shells (`terminado_settings` in SageMaker Distribution's jupyter_server_config.py),
 * and a kernel inherits from the Jupyter server. Hence .bashrc, and IPython's startup folder.
 */
export function startupScript(environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment);
  return `#!/bin/bash
set -eu

folder=~/.mlops
startup=~/.ipython/profile_default/startup
mkdir -p "$folder" "$startup"

cat > "$folder/environment.sh" <<'END_OF_FILE'
${variables.map(([name, value]) => `export ${name}=${shellQuoted(value)}`).join("\n")}
END_OF_FILE

# JSON strings are Python's, too.
cat > "$startup/00-mlops.py" <<'END_OF_FILE'
import os

os.environ.update(${JSON.stringify(environment)})
END_OF_FILE

# A login shell reads .profile; both files belong to the user, and are only added to.
line='. ~/.mlops/environment.sh'
for file in ~/.bashrc ~/.profile; do
  touch "$file"
  grep --quiet --line-regexp --fixed-strings "$line" "$file" || printf '\\n%s\\n' "$line" >> "$file"
done
`;
}

function shellQuoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
