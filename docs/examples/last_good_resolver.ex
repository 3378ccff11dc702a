defmodule LastGoodResolver do
  @moduledoc """
  Asks DNS who the peers are, and keeps the last good answer.

  libcluster's DNS strategies disconnect every node when a look-up fails or comes back empty. A running node has no
  use for that: when DNS is away, it wants to keep what it knew. So only an answer that names somebody replaces the
  last one. The last one stays through

    * no answer: timeout, connection refused;
    * an error: SERVFAIL, REFUSED, FORMERR, NXDOMAIN (the name was there before: a forwarder or a Service was removed);
    * an empty answer: the set exists and lists nobody. Whoever asks is a member that runs, so either readiness fails
      everywhere at once, or the cluster is scaled to nothing and this node is about to be stopped anyway.

  A node that has really gone drops out of `Node.list/0` without DNS: its connection closes. What this costs is an
  attempt to connect to it at each poll.

  Names are absolute (`"myapp.default.svc.peers.cluster.local."`): search lists are not tried, the resolver cache of the
  node is not used, and an answer too large for UDP is asked again over TCP.

  | strategy | setting |
  |---|---|
  | `Cluster.Strategy.Kubernetes.DNS` | `resolver: &LastGoodResolver.a/1` |
  | `Cluster.Strategy.Kubernetes.DNSSRV` | `resolver: &LastGoodResolver.srv/1` |
  | `Cluster.Strategy.DNSPoll` | `resolver: &LastGoodResolver.addresses/1` |
  | `DNSCluster` | `resolver: LastGoodResolver` |
  """

  @type name :: String.t() | charlist()

  @doc "IPv4 addresses, in the shape of `:inet_res.getbyname(name, :a)`."
  @spec a(name) :: {:ok, tuple()} | {:error, atom()}
  def a(name) do
    with {:ok, data} <- ask(name, [:a]), do: {:ok, {:hostent, to_charlist(name), [], :inet, 4, data}}
  end

  @doc "Ports and hosts, in the shape of `:inet_res.getbyname(name, :srv)`."
  @spec srv(name) :: {:ok, tuple()} | {:error, atom()}
  def srv(name) do
    with {:ok, data} <- ask(name, [:srv]),
         do: {:ok, {:hostent, to_charlist(name), [], :srv, length(data), data}}
  end

  @doc "Addresses of both families. They are one answer: a peer may have addresses of one family only."
  @spec addresses(name) :: [:inet.ip_address()]
  def addresses(name), do: list(name, [:a, :aaaa])

  @doc "Node names from TXT records, for a poller of your own."
  @spec node_names(name) :: [node()]
  def node_names(name), do: for([text] <- list(name, [:txt]), do: List.to_atom(text))

  # The functions that DNSCluster calls on its resolver.

  @doc false
  def basename(node_name), do: node_name |> Atom.to_string() |> String.split("@") |> hd()

  @doc false
  def connect_node(node_name), do: Node.connect(node_name)

  @doc false
  def list_nodes, do: Node.list(:visible)

  @doc false
  def lookup(name, type) when type in [:a, :aaaa], do: list(name, [type])

  defp list(name, types) do
    case ask(name, types) do
      {:ok, data} -> data
      {:error, _reason} -> []
    end
  end

  defp ask(name, types) do
    question = {to_charlist(name), types}
    answers = Enum.map(types, &resolve(to_charlist(name), &1))
    data = for({:ok, data} <- answers, datum <- data, do: datum) |> Enum.uniq() |> Enum.sort()

    case Keyword.get_values(answers, :error) do
      [] when data != [] -> keep(question, data)
      [] -> last_good(question, data, :empty)
      [reason | _] -> last_good(question, data, reason)
    end
  end

  defp resolve(name, type) do
    case :inet_res.resolve(name, :in, type) do
      {:ok, message} ->
        records = :inet_dns.msg(message, :anlist)
        {:ok, for(record <- records, :inet_dns.rr(record, :type) == type, do: :inet_dns.rr(record, :data))}

      {:error, {reason, _message}} ->
        {:error, reason}

      {:error, reason} ->
        {:error, reason}
    end
  end

  # :persistent_term belongs to no process, so the answer outlives a restart of the strategy that asked; putting an
  # equal term costs nothing, and peers seldom change.
  defp keep(question, data) do
    report(question, :good)
    :persistent_term.put({__MODULE__, :answer, question}, data)
    {:ok, data}
  end

  defp last_good(question, obtained, reason) do
    report(question, reason)

    case :persistent_term.get({__MODULE__, :answer, question}, obtained) do
      [] -> {:error, reason}
      data -> {:ok, data}
    end
  end

  # One line when an outage begins, ends or changes its reason, not one at each poll.
  defp report({name, _types} = question, state) do
    case :persistent_term.get({__MODULE__, :state, question}, :good) do
      ^state -> :ok
      _ when state == :good -> :logger.notice(~c"peers: ~ts answers again", [name])
      _ -> :logger.warning(~c"peers: ~ts: ~p, what was known stays", [name, state])
    end

    :persistent_term.put({__MODULE__, :state, question}, state)
  end
end
