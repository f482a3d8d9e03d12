# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash completion for xendomainsctl(1).
#
# A guest's name can be anything, also $(reboot). So no word of the line and no name is evaluated here,
# and what is offered is quoted here: "-o filenames", by which readline quotes, expands names, too.

# Splits the line up to the cursor as a shell would that expands nothing. Sets these of its caller:
#   words    those before the one at the cursor, unquoted
#   current  the one at the cursor, unquoted, as far as the cursor
#   quote    the one that is open in it
#   head     its part, unquoted, that readline leaves as it is
#   live     1 if the shell expands something in it
#   target   1 if the shell redirects to it or from it
_xendomainsctl_split()
{
	local line=${COMP_LINE:0:COMP_POINT} before='' begun='' char next i
	local special='$`*?[{~!|;('

	words=() current='' quote='' head='' live='' target=''
	for ((i = 0; i < ${#line}; i++)); do
		char=${line:i:1} next=${line:i+1:1}
		if [[ $quote && $char == "$quote" ]]; then
			quote=''
		elif [[ $quote == \" && $char == \\ && ! ${next/[\"\$\`\\]/} ]]; then
			current+=$next i=$((i + 1))
		elif [[ $quote ]]; then
			current+=$char
		elif [[ $char == [[:space:]\<\>\&] ]]; then
			[[ ! $begun || $target || $char == [\<\>] && $current != *[^0-9]* ]] ||
				words+=("$current")
			[[ $char == [[:space:]] ]] || target=1
			[[ $char != [[:space:]] || ! $begun ]] || target=''
			current='' begun='' head='' live=''
			continue
		elif [[ $char == \\ ]]; then
			current+=$next i=$((i + 1))
		elif [[ $char == [\'\"] ]]; then
			quote=$char before=$current
		else
			[[ $special != *"$char"* ]] || live=1
			# readline replaces what follows such a character, and these two themselves.
			if [[ $COMP_WORDBREAKS == *"$char"* ]]; then
				head=$current${char/[\$@]/}
			fi
			current+=$char
		fi
		begun=1
	done
	[[ ! $quote ]] || head=$before
}

# Offers those of the words that begin as the current one.
_xendomainsctl_offer()
{
	local word plain=1 found=()

	# What readline leaves would be expanded, to something else than the words here.
	[[ ! $head || ! $live ]] || return 0
	for word; do
		[[ $word == "$current"* ]] || continue
		found+=("${word#"$head"}")
		[[ ${found[-1]} != *[^[:alnum:]_.,/:=@%+-]* ]] || plain=''
	done
	for word in "${found[@]}"; do
		if [[ $quote == \" ]]; then
			word=${word//\\/\\\\}
			word=${word//\"/\\\"}
			word=${word//\$/\\\$}
			word=${word//\`/\\\`}
			# bash leaves an exclamation mark alone if the quotes end after it.
			word=\"${word//\!/\!\"\"}\"
		elif [[ $quote || ! $plain ]]; then
			word=\'${word//\'/\'\\\'\'}\'
		fi
		COMPREPLY+=("$word")
	done
}

# Offers the names that the client prints. A client that has not got them in two seconds is ended.
_xendomainsctl_offer_names()
{
	local names name usable=()

	# A call on systemd's socket would start a daemon, which may have a guest to restart.
	if [[ ! $socket || $socket == /run/xendomains/org.xendomains.Manager ]]; then
		command timeout --foreground 2 systemctl is-active --quiet xendomainsd.service \
			</dev/null &>/dev/null || return 0
	fi
	mapfile -t names < <(command timeout --foreground 2 xendomainsctl \
		${socket:+"--socket=$socket"} --names "$@" </dev/null 2>/dev/null)
	for name in "${names[@]}"; do
		[[ $name == -* && ! $ended ]] || usable+=("$name")
	done
	_xendomainsctl_offer "${usable[@]}"
}

_xendomainsctl_offer_options()
{
	local options=(--help --json --socket --version)

	case ${arguments[*]:0:2} in
	'')
		options+=(--all --cold --columns --deadline --force --names --no-deadline --no-wait --or-once
			--progress --sort --state --unit --watch --wide --worker --yes)
		;;
	start | 'start '*)
		options+=(--cold --no-wait --or-once --progress --unit)
		;;
	stop | 'stop '*)
		options+=(--all --force --no-wait --or-once --progress --unit --yes)
		;;
	restart | 'restart '*)
		options+=(--all --force --no-wait --progress --yes)
		;;
	plan | 'plan stop')
		options+=(--deadline --no-deadline)
		;;
	image)
		options+=(--names --progress --worker)
		;;
	'image cat')
		options=(--help --socket --version --worker)
		;;
	status | 'status '*)
		options+=(--columns --names --sort --state --watch --wide)
		;;
	'image list')
		options+=(--names)
		;;
	'image verify')
		options+=(--progress)
		;;
	esac
	_xendomainsctl_offer "${options[@]}"
}

# Offers the values of an option; after a comma, those of the next word of a list.
_xendomainsctl_offer_values()
{
	local values=() list=''

	case $value in
	--columns)
		values=(name state since doing restarts memory cpu domid vcpus by flags from uuid)
		;;
	--sort)
		values=(name state memory cpu since domid)
		;;
	--state)
		values=(stopped starting running paused suspended saving saved restoring migrating
			shutting-down crashed dying failed wanted down waiting)
		;;
	--unit)
		values=(xendomains-guests.service xendomains-shutdown.service)
		;;
	esac
	[[ $value != --@(columns|state) || $current != *,* ]] || list=${current#"$prefix"}
	[[ ! $list ]] || list=${list%,*},
	_xendomainsctl_offer "${values[@]/#/$prefix$list}"
}

_xendomainsctl_offer_arguments()
{
	case ${arguments[*]:0:2} in
	'')
		_xendomainsctl_offer start stop restart cancel status check plan reload image help
		;;
	start | 'start '* | stop | 'stop '* | restart | 'restart '* | status | 'status '* | check | 'check '* | 'plan '*)
		_xendomainsctl_offer_names status
		;;
	plan)
		_xendomainsctl_offer start stop
		;;
	image)
		_xendomainsctl_offer list verify delete cat
		;;
	'image verify' | 'image delete' | 'image cat')
		_xendomainsctl_offer_names image list
		;;
	esac
}

# Sorts the words before the current one. Sets arguments, socket, value (the option that the current
# word is the value of) and ended (1 after --) of its caller.
_xendomainsctl_sort()
{
	local word

	for word in "${words[@]:1}"; do
		if [[ $value ]]; then
			[[ $value != --socket ]] || socket=$word
			value=''
		elif [[ $ended || $word != -?* ]]; then
			arguments+=("$word")
		elif [[ $word == -- ]]; then
			ended=1
		elif [[ $word == --@(columns|deadline|progress|socket|sort|state|unit|worker) ]]; then
			value=$word
		elif [[ $word == --socket=* ]]; then
			socket=${word#*=}
		fi
	done
}

_xendomainsctl()
{
	local IFS=' ' words current quote head live target
	local arguments=() socket='' value='' ended='' prefix=''

	COMPREPLY=()
	_xendomainsctl_split
	_xendomainsctl_sort
	if [[ ! $value && ! $ended && $current == --*=* ]]; then
		value=${current%%=*} prefix=${current%%=*}=
	fi
	if [[ $target || $value == --@(socket|worker) ]]; then
		compopt -o default
	elif [[ $value == --progress ]]; then
		_xendomainsctl_offer "${prefix}auto" "${prefix}plain" "${prefix}json" "${prefix}none"
	elif [[ $value == --@(columns|sort|state|unit) ]]; then
		_xendomainsctl_offer_values
	elif [[ ! $value && ! $ended && $current == -* ]]; then
		_xendomainsctl_offer_options
	elif [[ ! $value ]]; then
		_xendomainsctl_offer_arguments
	fi
}

complete -F _xendomainsctl xendomainsctl
