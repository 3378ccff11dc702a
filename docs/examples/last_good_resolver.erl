%% Asks DNS who the peers are, and keeps the last good answer.
%%
%% Strategies that make the cluster's shape follow DNS disconnect every node when a look-up fails or comes back empty.
%% A running node has no use for that: when DNS is away, it wants to keep what it knew. So only an answer that names
%% somebody replaces the last one. The last one stays through
%%
%%   * no answer: timeout, connection refused;
%%   * an error: SERVFAIL, REFUSED, FORMERR, NXDOMAIN (the name was there before: a forwarder or a Service was removed);
%%   * an empty answer: the set exists and lists nobody. Whoever asks is a member that runs, so either readiness fails
%%     everywhere at once, or the cluster is scaled to nothing and this node is about to be stopped anyway.
%%
%% A node that has really gone drops out of nodes() without DNS: its connection closes. What this costs is an
%% attempt to connect to it at each poll.
%%
%% Names are absolute ("myapp.default.svc.peers.cluster.local."): search lists are not tried, the resolver cache of
%% the node (inet_db) is not used, and an answer too large for UDP is asked again over TCP.
-module(last_good_resolver).

-export([hostent/2, lookup/2]).

-type name() :: string() | binary().
-type type() :: a | aaaa | srv | txt.

%% As inet_res:getbyname/2: {ok, Hostent} where some answer is known, else why there is none.
-spec hostent(name(), a | aaaa | srv) -> {ok, tuple()} | {error, atom()}.
hostent(Name, Type) ->
    case ask(Name, [Type]) of
        {ok, Data} -> {ok, {hostent, text(Name), [], family(Type), size_of(Type, Data), Data}};
        {error, Reason} -> {error, Reason}
    end.

%% As inet_res:lookup/3, for one type or for several that together are one answer (a peer may have addresses of one
%% family only): addresses for a and aaaa, {Priority, Weight, Port, Host} for srv, [String] for txt.
-spec lookup(name(), type() | [type()]) -> [term()].
lookup(Name, Types) when is_list(Types) ->
    case ask(Name, Types) of
        {ok, Data} -> Data;
        {error, _} -> []
    end;
lookup(Name, Type) ->
    lookup(Name, [Type]).

ask(Name, Types) ->
    Question = {text(Name), Types},
    Answers = [resolve(text(Name), Type) || Type <- Types],
    Data = lists:usort(lists:append([Data || {ok, Data} <- Answers])),
    case [Reason || {error, Reason} <- Answers] of
        [] when Data =/= [] -> keep(Question, Data);
        [] -> last_good(Question, Data, empty);
        [Reason | _] -> last_good(Question, Data, Reason)
    end.

resolve(Name, Type) ->
    case inet_res:resolve(Name, in, Type) of
        {ok, Message} ->
            Records = inet_dns:msg(Message, anlist),
            {ok, [inet_dns:rr(Record, data) || Record <- Records, inet_dns:rr(Record, type) =:= Type]};
        {error, {Reason, _Message}} ->
            {error, Reason};
        {error, Reason} ->
            {error, Reason}
    end.

%% persistent_term belongs to no process, so the answer outlives a restart of the strategy that asked; putting an
%% equal term costs nothing, and peers seldom change.
keep(Question, Data) ->
    report(Question, good),
    persistent_term:put({?MODULE, answer, Question}, Data),
    {ok, Data}.

last_good(Question, Obtained, Reason) ->
    report(Question, Reason),
    case persistent_term:get({?MODULE, answer, Question}, Obtained) of
        [] -> {error, Reason};
        Data -> {ok, Data}
    end.

%% One line when an outage begins, ends or changes its reason, not one at each poll.
report({Name, _} = Question, State) ->
    case persistent_term:get({?MODULE, state, Question}, good) of
        State -> ok;
        _ when State =:= good -> logger:notice("peers: ~ts answers again", [Name]);
        _ -> logger:warning("peers: ~ts: ~p, what was known stays", [Name, State])
    end,
    persistent_term:put({?MODULE, state, Question}, State).

text(Name) -> unicode:characters_to_list(Name).

family(a) -> inet;
family(aaaa) -> inet6;
family(srv) -> srv.

size_of(a, _) -> 4;
size_of(aaaa, _) -> 16;
size_of(srv, Data) -> length(Data).
