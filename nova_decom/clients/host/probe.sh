# Prints which nova host each nova-compute unit of this machine is. With "look" it changes nothing.
#
#   name NAME                 a host name of the machine; nova's default for "host" comes first
#   unit UNIT ACTIVE ENABLED  a nova-compute unit
#   file UNIT PATH            a configuration file that the unit reads, in the order of reading
#   line UNIT TEXT            a line of that file: only the options named in WANTED leave the machine
#   unread UNIT PATH          a configuration file that this user may not read
#   node UNIT UUID            the content of a compute_id file of the unit
#   processes NUMBER          the processes of nova-compute, of any unit or of none; only for root
#   sum CHECKSUM              of all lines but those of units' states and processes
#
# With "stop CHECKSUM UNIT..." it stops and disables these units, but only while the checksum of
# the machine is still this one, else it prints "changed"; then it prints the same as "look".
root=
units="UNITS"
wanted='^(host|state_path|my_ip|my_block_storage_ip)[ \t]*[=:]'
LC_ALL=C
export LC_ALL

# A line for each unit that is there: name, ActiveState, UnitFileState, MainPID, command line of
# ExecStart. An alias is the same unit once more.
read_units() {
    systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -p MainPID -p ExecStart \
        $units 2>/dev/null |
        awk -v names=" $units " '
            function give() {
                if (index(names, " " is["Id"] " ") && is["LoadState"] != "not-found" && !seen[is["Id"]]++)
                    print is["Id"], is["ActiveState"], is["UnitFileState"] ? is["UnitFileState"] : "unknown",
                        is["MainPID"], command
                split("", is); command = "" }
            /^$/ { give(); next }
            { name = value = $0; sub(/=.*/, "", name); sub(/^[^=]*=/, "", value); is[name] = value }
            sub(/^ExecStart=.*argv\[\]=/, "") { sub(/ ; .*/, ""); command = command $0 " " }
            END { give() }'
}

found_units() {
    printf '%s\n' "$table" | cut -d " " -f 1
}

# The words of the unit's command line: of its process if it runs, else of its ExecStart.
command_line() {
    printf '%s\n' "$table" | while read -r unit _ _ pid line; do
        [ "$unit" = "$1" ] || continue
        running=$(cat "/proc/${pid:-0}/cmdline" 2>/dev/null | tr '\0' ' ')
        case $running in
        *nova-compute*) printf '%s\n' "$running" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}

# The first of these that exists, else the first.
first_of() {
    for path in "$@"; do
        [ -e "$path" ] && break
        path=$1
    done
    printf '%s\n' "$path"
}

# Where deployments in containers keep on the host what nova-compute reads as /etc/nova.
contained() {
    snap=$root/var/snap/openstack-hypervisor/common/etc/nova
    case $1 in
    kolla-nova_compute-*) echo "--config-file $root/etc/kolla/nova-compute/nova.conf" ;;
    kolla-nova_compute_ironic-*) echo "--config-file $root/etc/kolla/nova-compute-ironic/nova.conf" ;;
    edpm_*) echo "--config-dir $(first_of $root/var/lib/openstack/config/nova $root/var/lib/config-data/nova)" ;;
    tripleo_*) echo "--config-file $root/var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/nova.conf" ;;
    snap.*) echo "--config-file $snap/nova.conf --config-dir $snap/nova.conf.d" ;;
    esac
}

# Where the nova-compute of a unit keeps its state, if the configuration names no other directory.
states() {
    case $1 in
    kolla-*) echo "$root/var/lib/docker/volumes/nova_compute/_data" \
        "$root/var/lib/containers/storage/volumes/nova_compute/_data" ;;
    snap.*) echo "$root/var/snap/openstack-hypervisor/common/lib/nova" ;;
    *) echo "$root/var/lib/nova" ;;
    esac
}

# The configuration files of a command line, in the order in which oslo.config reads them.
files() {
    line=$(contained "$1")
    case $1 in
    snap.*) arguments=$(command_line "$1") ;;
    *) arguments=${line:-$(command_line "$1")} ;;
    esac
    case $arguments in *--config-*) ;; *) arguments=$line ;; esac
    explicit= has_file= has_dir= next=
    for word in $arguments; do
        case $next$word in
        --config-file | --config-dir) next=$word= ;;
        --config-file=*) next= has_file=1 explicit="$explicit ${word#--config-file=}" ;;
        --config-dir=*) next= has_dir=1 explicit="$explicit ${word#--config-dir=}/*.conf" ;;
        esac
    done
    if [ -z "$has_file$line" ]; then
        for path in /usr/share/nova/nova-dist.conf /etc/nova/nova.conf /etc/nova/nova-compute.conf; do
            [ ! -e "$root$path" ] || printf '%s\n' "$root$path"
        done
    fi
    if [ -z "$has_dir$line" ]; then
        set +f
        for path in "$root"/etc/nova/nova.conf.d/*.conf "$root"/etc/nova/nova-compute.conf.d/*.conf; do
            [ ! -e "$path" ] || printf '%s\n' "$path"
        done
        set -f
    fi
    for path in $explicit; do
        set +f
        for file in $path; do
            case $file in
            # No such file in the directory, or a directory that this user may not read.
            *"*"*) [ -r "${file%/*}" ] || printf '%s\n' "$file" ;;
            *) printf '%s\n' "$file" ;;
            esac
        done
        set -f
    done
}

configuration() {
    paths=$(files "$1")
    for path in $paths; do
        if [ -r "$path" ]; then
            printf 'file %s %s\n' "$1" "$path"
            awk -v unit="$1" -v wanted="$wanted" '
                /^\[/ { inside = ($0 ~ /^\[DEFAULT\][ \t\r]*$/); value = 0
                        if (inside) print "line " unit " [DEFAULT]"; next }
                inside && $0 ~ wanted { print "line " unit " " $0; value = 1; next }
                value && /^[ \t]+[^ \t]/ { print "line " unit " " $0; next }
                { value = 0 }' "$path"
        else
            printf 'unread %s %s\n' "$1" "$path"
        fi
    done
    printf '%s\n' "$paths" | sed 's,/[^/]*$,,'
}

# nova looks for compute_id beside each configuration file, and in state_path.
identities() {
    state=$(sed -n 's/^line [^ ]* state_path[[:space:]]*[=:][[:space:]]*//p' | tail -n 1)
    case $1:$state in
    kolla-*) state= ;;
    *:/*) ;;
    *) state= ;;
    esac
    for directory in $2 ${state:-$(states "$1")}; do
        uuid=$(cat "$directory/compute_id" 2>/dev/null | tr -d ' \t\r\n')
        [ -z "$uuid" ] || printf 'node %s %.36s\n' "$1" "$uuid"
    done
}

identity() {
    { hostname || uname -n; hostname -f; } 2>/dev/null | awk 'NF && !seen[$1]++ { print "name", $1 }'
    for unit in $(found_units); do
        text=$(configuration "$unit")
        printf '%s\n' "$text" | grep -E '^(file|line|unread) '
        directories=$(printf '%s\n' "$text" | grep '^/' | sort -u)
        printf '%s\n' "$text" | identities "$unit" "$directories" | sort -u
    done
}

checksum() {
    printf '%s\n' "$1" | cksum | tr ' ' -
}

# Processes in containers count too. Other users may not see all processes: they are told no number.
# The pattern does not match the shell that has this script as its argument.
processes() {
    [ "$(id -u)" = 0 ] || return
    found=$(pgrep -f '(^|/)nova-compute( |:|$)|nova[.]cmd[.]compute')
    case $? in
    0) printf '%s\n' "$found" | wc -l | sed 's/^ */processes /' ;;
    1) echo processes 0 ;;
    esac
}

set -f
table=$(read_units)
text=$(identity)
sum=$(checksum "$text")
if [ "$1" = stop ]; then
    expected=$2
    shift 2
    sudo=
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if [ "$expected" != "$sum" ]; then
        echo changed
        exit
    fi
    $sudo systemctl disable --now "$@" || exit
    table=$(read_units)
fi
printf '%s\n' "$text"
printf '%s\n' "$table" | awk 'NF { print "unit", $1, $2, $3 }'
processes
printf 'sum %s\n' "$sum"
