%% What Elixir's and Erlang's cluster libraries ask, by the calls that they make, and the node names they derive.
%% All return sorted atoms. A look-up that fails, or finds nothing, is nobody, as it is for them.
-module(strategies).

-export([kubernetes_dns/2, kubernetes_dns_srv/4, dns_poll/2, dns_cluster/2, txt/1]).

%% libcluster, Cluster.Strategy.Kubernetes.DNS: A records, and no aliases or it crashes.
kubernetes_dns(Service, Application) ->
    case inet_res:getbyname(Service, a) of
        {ok, {hostent, _Name, [], inet, _Length, Addresses}} -> names(Application, Addresses);
        {error, _Reason} -> []
    end.

%% libcluster, Cluster.Strategy.Kubernetes.DNSSRV: the name is built from CLUSTER_DOMAIN, the port is not used.
kubernetes_dns_srv(Service, Namespace, ClusterDomain, Application) ->
    Name = lists:append([Service, ".", Namespace, ".svc.", ClusterDomain]),
    case inet_res:getbyname(Name, srv) of
        {ok, {hostent, _Name, _Aliases, srv, _Count, Records}} ->
            lists:usort([list_to_atom(Application ++ "@" ++ Host) || {_Priority, _Weight, _Port, Host} <- Records]);
        {error, _Reason} ->
            []
    end.

%% libcluster, Cluster.Strategy.DNSPoll: addresses of both families.
dns_poll(Query, Basename) ->
    names(Basename, lists:append([inet_res:lookup(Query, in, Type) || Type <- [a, aaaa]])).

%% dns_cluster: addresses of both families by getbyname; a family without addresses is an error, which it ignores.
dns_cluster(Query, Basename) ->
    Found = [Addresses || Type <- [a, aaaa], {ok, {hostent, _, _, _, _, Addresses}} <- [inet_res:getbyname(Query, Type)]],
    names(Basename, lists:append(Found)).

%% A poller of one's own: TXT records are node names as they stand.
txt(Query) ->
    lists:usort([list_to_atom(Name) || [Name] <- inet_res:lookup(Query, in, txt)]).

names(Basename, Addresses) ->
    lists:usort([list_to_atom(Basename ++ "@" ++ inet:ntoa(Address)) || Address <- Addresses]).
